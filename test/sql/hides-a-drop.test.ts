import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadGrammar } from "../../src/core/sql/grammar.ts";
import { analyze } from "./support.ts";

beforeAll(loadGrammar);

/**
 * Each file of hides-a-drop/ tries to drop idx_orders_user_id_ca, or anything, unseen. "found": that index is reported;
 * "found-other": a name that only looks like it is reported as a drop of an index that nothing is known of; "pkey": another
 * index that goes is reported; otherwise the reason for which the file is opaque.
 */
const cases: [file: string, expected: string][] = [
  ["nested-comment.sql", "found"],
  ["comment-closes-early.sql", "found"],
  ["dashes-in-string.sql", "found"],
  ["dashes-in-identifier.sql", "found"],
  ["dollar-quote-ends.sql", "found"],
  ["tagged-dollar-quote.sql", "found"],
  ["do-block.sql", "found"],
  ["do-in-a-branch.sql", "found"],
  ["do-in-do.sql", "found"],
  ["execute-literal.sql", "found"],
  ["execute-variable.sql", "dynamic-sql"],
  ["execute-format.sql", "dynamic-sql"],
  ["execute-concatenation.sql", "dynamic-sql"],
  ["execute-chr.sql", "dynamic-sql"],
  ["execute-in-for.sql", "dynamic-sql"],
  ["execute-in-cursor.sql", "dynamic-sql"],
  ["return-query-execute.sql", "dynamic-sql"],
  ["function-then-select.sql", "found"],
  ["function-with-the-name-of-a-builtin.sql", "found"],
  ["function-in-a-default.sql", "found"],
  ["function-in-a-declaration.sql", "found"],
  ["function-calls-function.sql", "found"],
  ["function-renamed-then-called.sql", "found"],
  ["function-by-operator.sql", "found"],
  ["function-replaced-and-called-by-a-view.sql", "found"],
  ["procedure-then-call.sql", "found"],
  ["procedure-begin-atomic.sql", "function-call"],
  ["trigger-then-update.sql", "found"],
  ["trigger-for-a-later-insert.sql", "found"],
  ["trigger-dynamic-for-a-later-insert.sql", "dynamic-sql"],
  ["trigger-function-replaced.sql", "found"],
  ["trigger-of-an-unknown-function.sql", "function-call"],
  ["event-trigger.sql", "found"],
  ["other-language.sql", "unreadable-language"],
  ["function-in-another-language.sql", "unreadable-language"],
  ["language-in-capitals.sql", "unreadable-language"],
  ["unknown-function.sql", "function-call"],
  ["unknown-function-deep-in-a-query.sql", "function-call"],
  ["unknown-operator.sql", "function-call"],
  ["builtin-that-runs-sql.sql", "function-call"],
  ["builtin-that-runs-sql-qualified.sql", "function-call"],
  ["dblink.sql", "function-call"],
  ["lo-export.sql", "function-call"],
  ["statistics-reset.sql", "function-call"],
  ["unicode-identifier.sql", "found"],
  ["escape-string.sql", "found"],
  ["quoted-identifier.sql", "found"],
  ["capitals.sql", "found"],
  ["line-breaks-in-statement.sql", "found"],
  ["nbsp.sql", "unparseable"],
  ["nbsp-in-name.sql", "found-other"],
  ["zero-width.sql", "found-other"],
  ["homoglyph.sql", "found-other"],
  ["nul.sql", "nul-byte"],
  ["not-utf8.sql", "not-utf8"],
  ["utf16.sql", "nul-byte"],
  ["cr-only.sql", "found"],
  ["line-separator.sql", "found"],
  ["byte-order-mark.sql", "found"],
  ["psql-include.sql", "psql-meta-command"],
  ["psql-gexec.sql", "psql-meta-command"],
  ["psql-shell.sql", "psql-meta-command"],
  ["psql-copy.sql", "psql-meta-command"],
  ["psql-variable.sql", "unparseable"],
  ["copy-data.sql", "unparseable"],
  ["copy-program.sql", "program"],
  ["load.sql", "program"],
  ["subscription.sql", "remote-sql"],
  ["drop-constraint.sql", "pkey"],
  ["drop-schema-cascade.sql", "found"],
  ["suppression-in-a-dollar-quote.sql", "found"],
  ["explain-analyze.sql", "function-call"],
  ["prepare-execute.sql", "dynamic-sql"],
  ["catalogue-update.sql", "catalogue-write"],
  ["catalogue-delete-in-cte.sql", "catalogue-write"],
  ["catalogue-through-a-view.sql", "catalogue-write"],
  ["indexes-forbidden-to-a-role.sql", "program"],
  ["indexes-too-expensive-in-a-database.sql", "program"],
  ["strings-read-otherwise.sql", "dynamic-sql"],
  ["set-config-of-anything.sql", "function-call"],
  ["renamed-first.sql", "found"],
  ["renamed-by-alter-table.sql", "found"],
  ["names-swapped.sql", "found"],
  ["swap-rolled-back.sql", "found"],
  ["swap-in-a-transaction-that-fails.sql", "found"],
  ["table-moved-first.sql", "found"],
  ["schema-renamed-first.sql", "found"],
  ["search-path.sql", "found"],
  ["search-path-in-a-routine.sql", "found"],
  ["temporary-table-hides-it.sql", "found"],
  ["if-exists.sql", "found"],
  ["alter-type-cascade.sql", "found"],
  ["attribute-notation.sql", "found"],
  ["aggregate.sql", "found"],
  ["cast.sql", "found"],
  ["copy-data-in-a-dollar-quote.sql", "psql-meta-command"],
  ["execute-cut-literal.sql", "dynamic-sql"],
  ["function-reads-strings-otherwise.sql", "dynamic-sql"],
  ["function-replaced-and-called-by-a-check.sql", "found"],
  ["partition-of-a-new-table.sql", "found"],
  ["inherits-a-new-table.sql", "found"],
];

const folder = join(__dirname, "hides-a-drop");

test.each(cases)("%s: %s", (file, expected) => {
  const { changes } = analyze(readFileSync(join(folder, file), "utf8"));
  const dropped = changes.flatMap((change) => (change.kind === "drop-index" ? [change.index] : []));
  const reasons = changes.flatMap((change) => (change.kind === "opaque" ? [change.reason as string] : []));
  if (expected === "found") {
    expect(dropped.map(({ name }) => name)).toContain("idx_orders_user_id_ca");
    expect(reasons).toEqual([]);
  } else if (expected === "found-other") {
    expect(dropped.map(({ definition }) => definition)).toEqual([null]);
  } else if (expected === "pkey") {
    expect(dropped.map(({ name }) => name)).toEqual(["orders_pkey"]);
  } else {
    expect(reasons).toContain(expected);
  }
});

test("every file has a line in the table", () => {
  expect(readdirSync(folder).sort()).toEqual(cases.map(([file]) => file).sort());
});
