import { processIo } from "./io.ts";
import { reportError, runProgram } from "./program.ts";

const io = processIo();
const argv = process.argv.slice(2);

for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    reportError(error, argv, io);
    process.exit(1);
  });
}

void runProgram(argv, io);
