import { z } from "zod";
import type { MigrationFormat } from "../request.ts";
import { counted, failed, indexOnTable, passed } from "../rule-support/findings.ts";
import { createIndexSql, dropIndexSql, identifier, qualified, withConcurrently } from "../rule-support/index-sql.ts";
import type { CreateIndexChange, DropIndexChange } from "../sql/change.ts";
import { count, displayName, type ObjectName } from "../values.ts";
import { defineRule, type RuleContext, type RuleFinding } from "./rule.ts";

const parameters = z.strictObject({
  smallTableRows: count
    .default(0)
    .describe("Tables known to have fewer rows may be locked for as long as the build takes; 0: none."),
});

export default defineRule({
  id: "concurrent-index",
  summary: "Indexes of tables in use are built and dropped with CONCURRENTLY, where PostgreSQL allows that.",
  rationale:
    "CREATE INDEX holds off every write until the index is built, and DROP INDEX waits for, and then holds off, every query. CONCURRENTLY does neither, but PostgreSQL refuses it in a transaction, for several indexes at once, on partitioned tables and for constraints; then the deploy stops half-way.",
  parameters,
  evaluate(context, { smallTableRows }) {
    const findings = context.analysis.changes.flatMap((change): RuleFinding[] => {
      if (change.kind === "create-index") return [judgeCreate(change, context, smallTableRows)];
      if (change.kind === "drop-index" && change.implicit === null) return [judgeDrop(change, context, smallTableRows)];
      return [];
    });
    return findings.length > 0
      ? findings
      : [passed("migrations", "No index is built, and none is dropped by its name.")];
  },
});

function judgeCreate(change: CreateIndexChange, context: RuleContext, smallTableRows: number): RuleFinding {
  const { index, statement, constraint } = change;
  const table = change.tables[0] ?? { schema: index.schema, name: index.table, createdByRequest: false };
  const subject = displayName(index);
  const what = indexOnTable({ ...index, table });
  const harmless = table.createdByRequest ? "is created by this request" : smallTable(table, context, smallTableRows);
  const partitioned = isPartitioned(table, context);
  if (!change.concurrently) {
    if (harmless !== null)
      return passed(subject, `${what} is built without CONCURRENTLY; its table ${harmless}.`, statement.location);
    if (change.only && partitioned)
      return passed(
        subject,
        `${what} is built ON ONLY the partitioned table, which builds nothing yet.`,
        statement.location,
      );
    return failed({
      subject,
      message: `${what} is built without CONCURRENTLY, which holds off every write to ${displayName(table)} until it is done${constraint === null ? "" : " (and reads too, for a constraint)"}.`,
      help: createHelp(change, table, partitioned, context),
      location: statement.location,
    });
  }
  if (partitioned) {
    return failed({
      subject,
      message: `PostgreSQL refuses to build ${what} with CONCURRENTLY, because the table is partitioned.`,
      help: partitionedHelp(change, table),
      location: statement.location,
    });
  }
  return (
    concurrentlyAllowed(subject, `build ${what}`, change, context) ??
    passed(subject, `${what} is built with CONCURRENTLY.`, statement.location)
  );
}

function judgeDrop(change: DropIndexChange, context: RuleContext, smallTableRows: number): RuleFinding {
  const { index, statement } = change;
  const subject = displayName(index);
  const what = indexOnTable(index);
  const created = index.createdByRequest && (change.tables[0]?.createdByRequest ?? false);
  const harmless = created
    ? "is created by this request"
    : index.table && smallTable(index.table, context, smallTableRows);
  const constraint = constraintOf(index, context);
  if (constraint !== null) {
    return failed({
      subject,
      message: `PostgreSQL refuses to drop ${what}: constraint ${constraint} needs it.`,
      help: `Drop the constraint, if it is not needed:\nALTER TABLE ${displayName(index.table ?? index)} DROP CONSTRAINT ${constraint};`,
      location: statement.location,
    });
  }
  const partitioned = index.table !== null && isPartitioned(index.table, context);
  if (!change.concurrently) {
    if (harmless)
      return passed(subject, `${what} is dropped without CONCURRENTLY; its table ${harmless}.`, statement.location);
    return failed({
      subject,
      message: `${what} is dropped without CONCURRENTLY, which waits for every query on its table and holds off those that come after.`,
      help: partitioned
        ? partitionedDropHelp
        : `Write, outside a transaction:\n${dropIndexSql(change)}${leaveTransaction(change, context)}`,
      location: statement.location,
    });
  }
  if (partitioned) {
    return failed({
      subject,
      message: `PostgreSQL refuses to drop ${what} with CONCURRENTLY, because the table is partitioned.`,
      help: partitionedDropHelp,
      location: statement.location,
    });
  }
  if (change.indexesInStatement > 1) {
    return failed({
      subject,
      message: `PostgreSQL refuses to drop ${change.indexesInStatement} indexes with one DROP INDEX CONCURRENTLY, ${what} among them.`,
      help: `Write one statement for each index:\n${dropIndexSql(change)}${leaveTransaction(change, context)}`,
      location: statement.location,
    });
  }
  return (
    concurrentlyAllowed(subject, `drop ${what}`, change, context) ??
    passed(subject, `${what} is dropped with CONCURRENTLY.`, statement.location)
  );
}

const partitionedDropHelp =
  "Plan a quiet moment and ask for an override of concurrent-index: PostgreSQL can drop the index of a partitioned table in no other way.";

function concurrentlyAllowed(
  subject: string,
  action: string,
  change: CreateIndexChange | DropIndexChange,
  context: RuleContext,
): RuleFinding | null {
  if (!change.statement.inTransaction) return null;
  return failed({
    subject,
    message: `PostgreSQL refuses to ${action} with CONCURRENTLY inside a transaction.`,
    help: `Take the statement out of the transaction:${leaveTransaction(change, context)}`,
    location: change.statement.location,
  });
}

/** How the statement is run without a transaction, in the request's format. */
const outside: Record<MigrationFormat, string> = {
  plain: "Put it before BEGIN or after COMMIT, and outside DO blocks and functions.",
  dbmate: "Give it a migration file of its own that begins with\n-- migrate:up transaction:false",
  goose: "Give it a migration file of its own that begins with\n-- +goose NO TRANSACTION",
  "golang-migrate":
    "Give it a migration file of its own: golang-migrate sends a file as one message, which PostgreSQL runs as one transaction.",
  flyway:
    "Give it a migration file of its own, in which every statement is one with CONCURRENTLY: Flyway runs such a file without a transaction.",
  sqitch: "Put it before BEGIN or after COMMIT of the deploy script.",
};

function leaveTransaction(change: CreateIndexChange | DropIndexChange, { request }: RuleContext): string {
  return change.statement.inTransaction ? `\n${outside[request.migrationFormat ?? "plain"]}` : "";
}

function createHelp(change: CreateIndexChange, table: ObjectName, partitioned: boolean, context: RuleContext): string {
  if (partitioned) return partitionedHelp(change, table);
  const leave = leaveTransaction(change, context);
  if (change.constraint === null) return `Write, outside a transaction:\n${withConcurrently(change)}${leave}`;
  if (change.index.exclusion)
    return "Ask for an override of concurrent-index: PostgreSQL builds an exclusion constraint in no other way.";
  const using = `ALTER TABLE ${qualified(table)} ADD CONSTRAINT ${identifier(change.constraint)} ${change.index.primary ? "PRIMARY KEY" : "UNIQUE"} USING INDEX ${identifier(change.index.name)};`;
  return `Build the index first, outside a transaction, and let the constraint take it:\n${createIndexSql(change.index, table)}\n${using}${leave}`;
}

function partitionedHelp({ index }: CreateIndexChange, table: ObjectName): string {
  const only = createIndexSql(index, table).replace("INDEX CONCURRENTLY", "INDEX").replace(" ON ", " ON ONLY ");
  return `Create it on the partitioned table alone, build one on each partition with CONCURRENTLY, and attach those:\n${only}\nALTER INDEX ${identifier(index.name)} ATTACH PARTITION …;`;
}

function smallTable(table: ObjectName, { evidence }: RuleContext, smallTableRows: number): string | null {
  const rows = evidence.tableRows(table);
  return rows !== null && rows < smallTableRows ? `has ${counted(rows, "row")}` : null;
}

function isPartitioned(table: ObjectName, { evidence }: RuleContext): boolean {
  return (
    evidence.catalog?.tables?.some(
      (row) =>
        row.kind === "partitioned-table" &&
        row.name === table.name &&
        (table.schema === null || row.schema === table.schema),
    ) ?? false
  );
}

/** The constraint that an index enforces, if any is known. */
function constraintOf(index: DropIndexChange["index"], { evidence }: RuleContext): string | null {
  const enforcing = evidence.catalog?.constraints?.find(
    (row) =>
      (row.type === "primary-key" || row.type === "unique" || row.type === "exclusion") &&
      (row.index ?? row.name) === index.name &&
      (index.schema === null || row.schema === index.schema),
  );
  if (enforcing) return enforcing.name;
  return index.definition?.primary ? index.name : null;
}
