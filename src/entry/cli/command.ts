import { Command } from "commander";
import type { CommandIo } from "./io.ts";

/** What each file of a command exports. `build` returns a command whose action does the work and tells `io` the exit code. */
export interface CommandModule {
  build(io: CommandIo): Command;
}

export interface CommandText {
  name: string;
  /** One line for the list of commands; begins with a verb. */
  summary: string;
  /** Command lines that can be pasted, shown below the options. */
  examples?: readonly string[];
}

/** A commander command that prints through `io`, throws instead of exiting, and shows its examples in `--help`. */
export function newCommand(io: CommandIo, { name, summary, examples = [] }: CommandText): Command {
  const command = new Command(name)
    .description(summary)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout(text),
      writeErr: (text) => io.stderr(text),
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .showHelpAfterError(`(${name} --help shows what is allowed)`)
    .hook("preSubcommand", (_, subcommand) => {
      subcommand.showHelpAfterError(`(${pathOf(subcommand)} --help shows what is allowed)`);
    })
    .option("--debug", "print stack traces of errors");
  if (examples.length > 0) {
    command.addHelpText("after", `\nExample:\n${examples.map((example) => `  ${example}\n`).join("")}`);
  }
  return command;
}

/** "plangate evidence import" */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
