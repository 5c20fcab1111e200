"""Container images: a version is their tag, or their digest."""


def retagged(image: str, version: str) -> str:
    """The image at another version: a tag, or a digest such as sha256:..."""
    repository = repository_of(image)
    return f"{repository}@{version}" if version.startswith("sha256:") else f"{repository}:{version}"


def version_of(image: str) -> str:
    """The tag or digest of an image; `latest` where it has none."""
    return image.removeprefix(repository_of(image))[1:] or "latest"


def repository_of(image: str) -> str:
    """The image without tag and digest; a port of the registry is part of it."""
    bare, _, _ = image.partition("@")
    head, colon, tag = bare.rpartition(":")
    return head if colon and "/" not in tag else bare
