"""The ``yizhan`` command."""


def main() -> None:
    """Run the command line and exit."""
    from services.cli.app import app  # noqa: PLC0415 - an import that fails must not hide behind this module

    app(prog_name="yizhan")


if __name__ == "__main__":
    main()
