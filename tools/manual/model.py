"""What a program's --help says, as data: the one source of manual pages and completions."""
import dataclasses
import pathlib
import re
import subprocess


@dataclasses.dataclass
class Option:
    names: list[str]
    argument: str  # "" for none
    text: str
    choices: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Command:
    words: list[str]  # ntemu, drive, add
    summary: str
    usage: list[str] = dataclasses.field(default_factory=list)
    positionals: list[Option] = dataclasses.field(default_factory=list)
    options: list[Option] = dataclasses.field(default_factory=list)
    commands: list["Command"] = dataclasses.field(default_factory=list)
    notes: str = ""  # what follows the lists
    text: str = ""  # a page of its own making, shown as it stands

    def all(self) -> list["Command"]:
        return [self, *(below for command in self.commands for below in command.all())]


def help_of(program: pathlib.Path, *words: str) -> str:
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout


def read(program: pathlib.Path) -> Command:
    return {"ntemu": read_cli11, "kd": read_cli11, "ntcc": read_ntcc, "sc": read_sc, "verifier": read_slashed,
            "notmyfault": read_slashed}[program.name](program)


# --- ntemu, kd: as CLI11 prints it ---

def read_cli11(program: pathlib.Path, *words: str) -> Command:
    lines = help_of(program, *words).splitlines()
    command = Command([program.name, *words], lines[0].removeprefix(f"{program.name}: "), [lines[1].removeprefix("Usage: ")])
    parts: dict[str, list[str]] = {"Positionals:": [], "Options:": [], "Subcommands:": [], "": []}
    part = ""
    for line in lines[2:]:
        if line in parts and line:
            part = line
        elif line and not line.startswith("  ") and part:
            part = ""
            parts[part].append(line)
        else:
            parts[part].append(line)
    command.notes = "\n".join(parts[""]).strip()
    command.positionals = [cli11_option(*entry) for entry in entries(parts["Positionals:"])]
    command.options = [cli11_option(*entry) for entry in entries(parts["Options:"])]
    command.commands = [read_cli11(program, *words, name) for name, _ in entries(parts["Subcommands:"])]
    return command


def entries(lines: list[str]) -> list[tuple[str, str]]:
    """Two columns; what is too long for the first has its second on the next line."""
    found: list[tuple[str, str]] = []
    for line in lines:
        if not line.strip():
            continue
        if line.startswith(" " * 8):
            head, text = found.pop()
            found.append((head, f"{text} {line.strip()}".strip()))
        else:
            head, _, text = line.strip().partition("  ")
            found.append((head, text.strip()))
    return found


def cli11_option(head: str, text: str) -> Option:
    names, _, rest = head.partition(" ")
    rest, _, excluded = rest.partition(" Excludes: ")
    if excluded:
        text += f" (not together with {excluded.strip()})"
    choices = re.search(r"\{(.*)\}", rest)
    argument = rest.replace(" REQUIRED", "").split(":")[0].strip()
    return Option(names.split(","), argument, text, choices.group(1).split(",") if choices else [])


# --- ntcc ---

def read_ntcc(program: pathlib.Path) -> Command:
    usage, purpose, *paragraphs = help_of(program).strip().split("\n\n")
    command = Command(["ntcc"], sentence(purpose), [usage.removeprefix("usage: ")])
    lines = paragraphs[0].splitlines()
    column = len(re.match(r"  -o FILE +", lines[0]).group())
    for line in lines:
        names = line[:column].strip()
        argument = re.search(r" (?!-)(\S+)$", names)
        names = re.sub(r"^\S+ [^-]\S*$", lambda match: match.group().split()[0], names)
        argument = argument.group(1) if argument else ""
        choices = [word for word in argument.split("|") if word.islower()] if "|" in argument else []
        command.options.append(Option(names.split(", "), argument, line[column:].strip(), choices))
    command.notes = "\n\n".join(paragraphs[1:])
    return command


# --- sc: as Windows' sc prints it ---

def read_sc(program: pathlib.Path) -> Command:
    text = help_of(program)
    parts = dict(zip(*[iter(re.split(r"(?m)^([A-Z]+):\n", text)[1:])] * 2))
    command = Command(["sc"], sentence(parts["DESCRIPTION"]).removeprefix("sc "), [parts["USAGE"].strip()])
    for line in parts["COMMANDS"].replace("\n" + " " * 25, "---").splitlines():
        names, _, summary = line.strip().partition("--")
        for name in names.split(", ") if names else []:
            page = help_of(program, name)
            known = [Option([word], "FILE" if word == "binPath=" else "", "", choices.split("|") if "|" in choices else [])
                     for word, choices in re.findall(r"(?m)^ (\w+=) *<([^>]*)>", page)]
            command.commands.append(Command(["sc", name], summary.lstrip("-"), options=known, text=page.strip()))
    options, _, notes = parts["OPTIONS"].partition("\n\n")
    for line in options.replace("\n" + " " * 25, " ").splitlines():
        head, text = re.match(r" {8}(\S.*?)  +(\S.*)$", line).groups()
        name, _, argument = head.partition(" ")
        command.options.append(Option([name], argument, text))
    command.notes = re.sub(r"(?m)^ {8}", "", notes).strip()
    return command


# --- verifier, notmyfault: options that begin with a slash, their values up to the next one ---

def read_slashed(program: pathlib.Path) -> Command:
    name = program.name
    text = help_of(program)
    parts = dict(zip(*[iter(re.split(r"(?m)^([A-Z]+):\n", text)[1:])] * 2))
    command = Command([name], sentence(parts["DESCRIPTION"]).removeprefix(f"{name} "), [parts["USAGE"].strip()])
    options, _, notes = parts["OPTIONS"].partition("\n\n")
    for line in re.sub(r"\n {25}", "  ", parts["COMMANDS"].rstrip() + "\n" + options).splitlines():
        head, _, summary = line.strip().partition("  ")
        option, _, argument = head.partition(" ")
        command.options.append(Option([option], argument, " ".join(summary.split())))
    tables = "".join(f"{title}\n{parts[title]}" for title in ("FLAGS", "TYPES") if title in parts)
    command.notes = re.sub(r"(?m)^ {8}", "", re.sub(r"(?m)^ {8}0x", " " * 10 + "0x", tables) + notes).strip()
    return command


def sentence(text: str) -> str:
    text = " ".join(text.split())
    first = text.split(". ")[0].rstrip(".")
    return first[0].lower() + first[1:]
