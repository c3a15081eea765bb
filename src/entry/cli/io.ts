/** All that a command may touch of its process, so that tests can run one without a child process. */
export interface CommandIo {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Everything on standard input. */
  stdin(): Promise<Uint8Array>;
  /** Is stdout a terminal? */
  isTTY: boolean;
  /** Width of the terminal; 80 where there is none. */
  columns: number;
  env: NodeJS.ProcessEnv;
  cwd: string;
  now(): Date;
  /** 0 approved or done, 2 rejected or failed verification, 1 anything else. A command that throws ends with 1. */
  setExitCode(code: number): void;
}

export function processIo(): CommandIo {
  endOnFailedWrite(process.stdout);
  endOnFailedWrite(process.stderr);
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    stdin: readStandardInput,
    isTTY: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 80,
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/** `plangate check | head -1` closes the pipe early: the exit code still tells the result. A full disk does not. */
function endOnFailedWrite(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return;
    if (stream === process.stdout) process.stderr.write(`plangate: the result could not be written (${error.code})\n`);
    process.exit(1);
  });
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
