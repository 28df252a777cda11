# The files of this repository, wherever it is: in the folder of its Snakefile, which may be a module
# of another workflow, or on GitHub or GitLab, where `snakedeploy deploy-workflow` leaves it.
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def checkout():
    """The folder of the checkout. A hosted one is unpacked into Snakemake's cache."""
    rules = workflow.current_basedir
    if not hasattr(rules, "hosted_repo"):
        return Path(str(rules)).parents[1]
    commit = rules.hosted_repo.repo.commit(rules.ref).hexsha
    folder = Path(workflow.sourcecache.cache_path, "aevb", commit)
    if not folder.exists():
        parts = ["src", "workflow", "config", "resources"]
        git = ["git", "-C", rules.hosted_repo.repo_clone, "archive", commit, *parts]
        archive = subprocess.run(git, stdout=subprocess.PIPE, check=True).stdout
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            unpacked = Path(temporary, commit)
            tarfile.open(fileobj=io.BytesIO(archive)).extractall(
                unpacked, filter="data"
            )
            try:
                unpacked.rename(folder)
            except OSError:
                # Another job has come first, and its files are the same.
                if not folder.exists():
                    raise
    return folder


sys.path.insert(0, str(checkout() / "src"))

from aevb.workflow.checkout import RESOURCES, ROOT, configuration_file
