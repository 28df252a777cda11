"""Counter-based random number generators (Salmon et al. 2011) as array programs.

J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2,
3", SC11. Each is a keyed bijection of counters, without state, so that all numbers of many keys are
one elementwise computation. TensorFlow has both as well, but for one key at a time.
"""

import tensorflow as tf

_THREEFRY_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_THREEFRY_PARITY = 0x1BD11BDA
_PHILOX_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_PHILOX_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)


def threefry2x32(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Threefry-2x32 with 20 rounds: the two words of each counter under each key.

    All words are uint32, the less significant first; their shapes are broadcast.
    """
    schedule = (*key, key[0] ^ key[1] ^ _THREEFRY_PARITY)
    x, y = counter[0] + schedule[0], counter[1] + schedule[1]
    for i in range(5):
        for distance in _THREEFRY_ROTATIONS[i % 2]:
            x = x + y
            y = _rotated_left(y, distance) ^ x
        x = x + schedule[(i + 1) % 3]
        y = y + (schedule[(i + 2) % 3] + (i + 1))
    return x, y


def philox4x32(
    key: tuple[tf.Tensor, tf.Tensor], counter: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Philox-4x32 with 10 rounds: the four words of each counter under each key.

    All words are uint32, the less significant first; their shapes are broadcast.
    """
    a, b, c, d = counter
    for i in range(10):
        first, second = (
            word + tf.constant(i * step % 2**32, tf.uint32)
            for word, step in zip(key, _PHILOX_KEY_STEPS, strict=True)
        )
        high_a, low_a = _product(a, _PHILOX_MULTIPLIERS[0])
        high_c, low_c = _product(c, _PHILOX_MULTIPLIERS[1])
        a, b, c, d = high_c ^ b ^ first, low_c, high_a ^ d ^ second, low_a
    return a, b, c, d


def _rotated_left(word: tf.Tensor, distance: int) -> tf.Tensor:
    return tf.bitwise.left_shift(word, distance) | tf.bitwise.right_shift(word, 32 - distance)


def _product(word: tf.Tensor, factor: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The upper and the lower 32 bits of ``word`` times ``factor``."""
    product = tf.cast(word, tf.uint64) * tf.constant(factor, tf.uint64)
    return tf.cast(tf.bitwise.right_shift(product, 32), tf.uint32), tf.cast(product, tf.uint32)
