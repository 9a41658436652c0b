"""`python -m medauth.training.main`: the training commands without the rest of the command line."""

from medauth.training.command_line import app

if __name__ == "__main__":
    app()
