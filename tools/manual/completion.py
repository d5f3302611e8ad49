"""Completions for bash and fish, made of a program's help."""
import shlex

from model import Command, Option

# One walk over the words for every program: $path is the subcommand so far.
BASH = r"""# bash completion for {name}
{tables}
_ntemu_complete_{name}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} path= index next kind
  # bash takes the equal sign of type= for a word of its own.
  if [[ $current == = ]]; then previous=$previous= current=
  elif [[ $previous == = && $COMP_CWORD -gt 1 ]]; then previous=${{COMP_WORDS[COMP_CWORD-2]}}=; fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    next=${{path:+$path }}${{COMP_WORDS[index]}}
    [[ -v _{name}_words[".$next"] ]] && path=$next
  done
  kind=${{_{name}_values[".$path $previous"]-${{_{name}_values[". $previous"]-}}}}
  if [[ ! $kind ]]; then
    COMPREPLY=($(compgen -W "${{_{name}_words[.$path]}}" -- "$current"))
    [[ $current == -* ]] && return
    kind=${{_{name}_files[.$path]-}}
  fi
  case $kind in
    "") ;;
    DIR) compopt -o filenames; COMPREPLY+=($(compgen -d -- "$current")) ;;
    FILE) compopt -o filenames; COMPREPLY+=($(compgen -f -- "$current")) ;;
    -) ;;
    *) COMPREPLY=($(compgen -W "$kind" -- "$current")) ;;
  esac
}}
complete -F _ntemu_complete_{name} {programs}
"""


def kind(option: Option) -> str:
    """What an option's value is: DIR, FILE, words, or "-" for anything."""
    if option.choices:
        return " ".join(option.choices)
    if option.argument.startswith("FILE"):
        return "FILE"
    return {"DIR": "DIR", "IMAGE": "FILE"}.get(option.argument, "-")


def table(name: str, rows: dict[str, str]) -> str:
    return f"declare -gA {name}=(\n" + "".join(f"  [{shlex.quote(key)}]={shlex.quote(value)}\n" for key, value in rows.items()) + ")"


def bash(program: Command, aliases: list[str], takes_files: bool) -> str:
    name = program.words[0]
    words, values, files = {}, {}, {".": "FILE"} if takes_files else {}
    for command in program.all():
        path = "." + " ".join(command.words[1:])
        words[path] = " ".join([below.words[-1] for below in command.commands] +
                               [word for option in command.options for word in option.names])
        for option in command.options:
            if option.argument or option.names[0].endswith("="):
                values |= {f"{path} {word}": kind(option) for word in option.names}
        for positional in command.positionals:
            if kind(positional) != "-":
                files[path] = kind(positional)
    tables = [table(f"_{name}_{part}", rows) for part, rows in (("words", words), ("values", values), ("files", files))]
    return BASH.format(name=name, tables="\n".join(tables), programs=" ".join([name, *aliases]))


def fish(program: Command, aliases: list[str], takes_files: bool) -> str:
    lines = [f"# fish completion for {program.words[0]}"]
    for name in [program.words[0], *aliases]:
        if not takes_files:
            lines.append(f"complete -c {name} -f")
        for command in program.all():
            lines += fish_command(name, program, command)
    return "\n".join(lines) + "\n"


def fish_command(name: str, program: Command, command: Command) -> list[str]:
    path = command.words[1:]
    seen = [f"__fish_seen_subcommand_from {word}" for word in path]
    unseen = f"not __fish_seen_subcommand_from {' '.join(below.words[-1] for below in command.commands)}" if command.commands else ""
    here = f" -n {shlex.quote('; and '.join([*seen, *([unseen] if unseen else [])]))}" if seen or unseen else ""
    of_all = f" -n {shlex.quote('; and '.join(seen))}" if seen else ""
    lines = [f"complete -c {name}{here} -a {below.words[-1]} -d {shlex.quote(below.summary)}" for below in command.commands]
    lines += [f"complete -c {name}{here} -F" for positional in command.positionals if kind(positional) != "-"]
    for option in command.options:
        if option.names[0].endswith("=") or option.names[0].startswith("/"):
            lines.append(f"complete -c {name}{of_all} -a {option.names[0]}")
            continue
        line = f"complete -c {name}{of_all}"
        for word in option.names:
            line += f" -l {word[2:]}" if word.startswith("--") else f" -{'s' if len(word) == 2 else 'o'} {word[1:]}"
        if option.argument:
            line += {"DIR": " -x -a '(__fish_complete_directories)'", "FILE": " -r -F", "-": " -x"}.get(
                kind(option), f" -x -a {shlex.quote(kind(option))}")
        lines.append(f"{line} -d {shlex.quote(option.text)}")
    return lines
