"""Every training command on one app: importing this module registers them all."""

from medauth.training import judge_commands, micro_commands, personal_command
from medauth.training.commands import app

__all__ = ["app", "judge_commands", "micro_commands", "personal_command"]
