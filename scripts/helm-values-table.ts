import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from "yaml";

const begin = "<!-- values: generated from values.yaml by scripts/generate.mjs -->";
const end = "<!-- /values -->";

/** The chart's README with a table of every value. Throws where a value has no comment that says what it does. */
export function readmeWithValues(readme: string, values: string): string {
  const [head, rest = ""] = readme.split(begin);
  const tail = rest.split(end)[1];
  if (tail === undefined) throw new Error(`helm/README.md has no ${begin} … ${end}`);
  return `${head}${begin}\n\n${table(rowsOf(values))}\n\n${end}${tail}`;
}

interface Row {
  value: string;
  byDefault: string;
  does: string;
}

function rowsOf(values: string): Row[] {
  const { contents } = parseDocument(values);
  if (!isMap(contents)) throw new Error("helm/values.yaml is no map");
  const rows = rowsOfMap(contents, "", null);
  const silent = rows.filter(({ does }) => does === "").map(({ value }) => value);
  if (silent.length > 0) throw new Error(`helm/values.yaml: no comment says what these do: ${silent.join(", ")}`);
  return rows;
}

/** A map that is written in one line is one value. */
function rowsOfMap(map: YAMLMap, path: string, comment: string | null): Row[] {
  return map.items.flatMap((pair, index) => {
    const { key, value }: Pair = pair;
    if (!isScalar(key)) throw new Error(`helm/values.yaml: a key of ${path} is no text`);
    const name = `${path}${String(key.value)}`;
    const above = key.commentBefore ?? (index === 0 && path !== "" ? comment : null);
    if (isMap(value) && value.flow !== true) {
      const own = above === null ? [] : [{ value: name, byDefault: "", does: sentence(above) }];
      return [...own, ...rowsOfMap(value, `${name}.`, value.commentBefore ?? null)];
    }
    return [{ value: name, byDefault: `\`${shown(value)}\``, does: sentence(above ?? "") }];
  });
}

function shown(value: unknown): string {
  if (isScalar(value)) return JSON.stringify(value.value);
  if (isMap(value) || isSeq(value)) return JSON.stringify(value.toJSON());
  return String(value);
}

/** The last paragraph: before the first value there is the file's title too. */
function sentence(comment: string): string {
  return (comment.split(/\n[ \t]*\n/).at(-1) ?? "")
    .split("\n")
    .map((line) => line.trim())
    .join(" ")
    .trim()
    .replaceAll("|", "\\|");
}

function table(rows: readonly Row[]): string {
  const cells = [
    ["value", "default", "what it does"],
    ...rows.map(({ value, byDefault, does }) => [`\`${value}\``, byDefault.replaceAll("|", "\\|"), does]),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
