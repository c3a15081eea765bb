/** "holidays/us.ics" as "team/policy.yaml" means it: "team/holidays/us.ics". Leading ".." stay where it leads out. */
export function resolveFrom(file: string, reference: string): string {
  const parts = file.split("/").slice(0, -1);
  for (const part of reference.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** The name under which people know a file of a directory. */
export function displayPath(directory: string, path: string): string {
  return directory === "" ? path : `${directory.replace(/\/+$/, "")}/${path}`;
}
