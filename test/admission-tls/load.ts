import type { ApiServerClient, Called } from "../support/api-server-client.ts";

export interface Load {
  calls: Called[];
  failures: unknown[];
  stop(): Promise<void>;
}

/** Clients that call again and again, each one call at a time, until they are stopped. */
export function underLoad(clients: readonly ApiServerClient[], path = "/admission/production"): Load {
  const calls: Called[] = [];
  const failures: unknown[] = [];
  let going = true;
  const work = async (client: ApiServerClient) => {
    while (going) {
      try {
        calls.push(await client.call(path));
      } catch (error) {
        failures.push(error);
      }
    }
  };
  const workers = clients.map(work);
  return {
    calls,
    failures,
    async stop() {
      going = false;
      await Promise.all(workers);
    },
  };
}
