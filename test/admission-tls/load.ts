import type { ApiServerClient, Called, ReviewChange } from "../support/api-server-client.ts";

export interface Load {
  calls: Called[];
  failures: unknown[];
  stop(): Promise<void>;
}

export interface LoadOptions extends ReviewChange {
  path?: string;
  /** After this answer the client makes no other call. */
  lastAnswer?(called: Called): boolean;
}

/** Clients that call again and again, each one call at a time, until they are stopped. */
export function underLoad(
  clients: readonly ApiServerClient[],
  { path = "/admission/production", lastAnswer = () => false, ...change }: LoadOptions = {},
): Load {
  const calls: Called[] = [];
  const failures: unknown[] = [];
  let going = true;
  const work = async (client: ApiServerClient) => {
    while (going) {
      try {
        const called = await client.call(path, change);
        calls.push(called);
        if (lastAnswer(called)) return;
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
