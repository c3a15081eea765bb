import { grantToGate } from "../../adapters/store/grants.ts";
import { migrateStore } from "../../adapters/store/migrate.ts";
import { type CommandModule, newCommand } from "./command.ts";
import { onStoreDatabase, type StoreDatabaseOptions, withStoreDatabase } from "./store-database.ts";

interface MigrateOptions extends StoreDatabaseOptions {
  gateRole?: string;
}

export const build: CommandModule["build"] = (io) => {
  const command = newCommand(io, {
    name: "migrate",
    summary: "Make or update the schema of the gate's own database, as its owner.",
    examples: ["plangate migrate --database-url env:PLANGATE_OWNER_URL --gate-role plangate_gate"],
  });
  return withStoreDatabase(command)
    .option(
      "--gate-role <ROLE>",
      "the role of the gates: it may append to the audit record, and neither change nor delete it",
    )
    .action((options: MigrateOptions) =>
      onStoreDatabase(options, io, async (database) => {
        const applied = await migrateStore(database);
        io.stdout(applied.length === 0 ? "The schema is up to date.\n" : `Applied ${applied.join(", ")}.\n`);
        if (options.gateRole === undefined) return;
        await grantToGate(database, options.gateRole);
        io.stdout(`The role ${options.gateRole} may do what a gate does, and only append to the audit record.\n`);
      }),
    );
};
