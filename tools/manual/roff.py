"""A manual page made of a program's help and, for what no help says, of hand-written sections."""
import re

from model import Command, Option


def escape(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^(?=[.'])", r"\\&", text)


def paragraphs(text: str) -> list[str]:
    """Lines that are indented are shown as they stand; others are filled."""
    lines = []
    shown = False
    for line in text.splitlines():
        if line.startswith("  ") != shown:
            shown = not shown
            lines.append(".PP\n.nf" if shown else ".fi\n.PP")
        lines.append(escape(line) if line.strip() else ".PP")
    if shown:
        lines.append(".fi")
    return lines


def options(entries: list[Option]) -> list[str]:
    lines = []
    for entry in entries:
        names = ", ".join(f"\\fB{escape(name)}\\fR" for name in entry.names)
        argument = entry.argument if "|" in entry.argument else "|".join(entry.choices) or entry.argument
        argument = f" \\fI{escape(argument)}\\fR" if argument else ""
        lines += [".TP", names + argument, escape(entry.text)]
    return lines


def section(command: Command, program: Command) -> list[str]:
    """A command below the program's own."""
    lines = [f'.SS "{escape(" ".join(command.words[1:]))}"']
    if command.text:
        return [*lines, ".nf", escape(command.text), ".fi"]
    lines += [escape(command.summary) + "."]
    if command.usage and not command.commands:
        lines += [".PP", f"\\fB{escape(command.usage[0])}\\fR"]
    lines += options(command.positionals)
    lines += options([option for option in command.options if "--help" not in option.names])
    if command.notes and command.notes != program.notes:
        lines += [".PP", *paragraphs(command.notes)]
    return lines


def page(program: Command, version: str, more: str) -> str:
    name = program.words[0]
    lines = [f'.TH {name.upper()} 1 "" "ntemu {version}" "ntemu"', ".SH NAME", f"{name} \\- {escape(program.summary)}",
             ".SH SYNOPSIS", *(f"\\fB{escape(line)}\\fR" for line in program.usage), ".SH OPTIONS", *options(program.options)]
    if program.notes:
        lines += [".PP", *paragraphs(program.notes)]
    below = program.all()[1:]
    if below:
        lines.append(".SH COMMANDS")
        for command in below:
            lines += section(command, program)
    return "\n".join([*lines, more.rstrip("\n"), ""])
