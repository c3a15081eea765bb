/** What a kubelet does before it starts the gate: puts files and variables in place. */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { IPodSpec, IVolume } from "kubernetes-models/v1";
import { ofKind, only, podTemplates } from "./chart.ts";
import type { KubernetesObject } from "./strict-object.ts";

export interface Installed {
  /** The text of plangate.yaml, and where it is. Its absolute paths lead below `root`. */
  config: string;
  file: string;
  env: Record<string, string>;
  root: string;
  cleanup(): void;
}

/** `more`: Secrets and ConfigMaps that the operator brings along, as name → key → value; what is missing is made up. */
export function installGate(objects: readonly KubernetesObject[], more: Store = {}): Installed {
  const root = mkdtempSync(join(tmpdir(), "plangate-helm-"));
  const store = storeOf(objects, more);
  const { spec } = only(podTemplates(ofKind(objects, "Deployment")));
  const [container] = spec.containers;
  for (const { name, mountPath } of container?.volumeMounts ?? []) {
    const volume = only((spec.volumes ?? []).filter((one) => one.name === name));
    const folder = join(root, mountPath);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of filesOf(volume, store)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), moved(text, root));
    }
  }
  const file = join(root, "etc/plangate/config/plangate.yaml");
  const config = store.get(
    "ConfigMap",
    only(ofKind(objects, "ConfigMap").filter(isConfig)).metadata.name,
    "plangate.yaml",
  );
  return {
    config: moved(config, root),
    file,
    env: environmentOf(spec, 0, store),
    root,
    cleanup: () => rmSync(root, { recursive: true, force: true }),
  };
}

const isConfig = ({ metadata }: KubernetesObject) => metadata.name.endsWith("-config");

/** Absolute paths inside the container, below the folder that stands for its root. */
function moved(text: string, root: string): string {
  return text
    .replaceAll("/etc/plangate/", `${root}/etc/plangate/`)
    .replaceAll("/var/lib/plangate", `${root}/var/lib/plangate`);
}

export type Store = Record<string, Record<string, string>>;

/** Secrets and ConfigMaps of the namespace. */
class ObjectStore {
  readonly #objects: readonly KubernetesObject[];
  readonly #more: Store;
  #count = 0;

  constructor(objects: readonly KubernetesObject[], more: Store) {
    this.#objects = objects;
    this.#more = more;
  }

  keys(kind: "Secret" | "ConfigMap", name: string): string[] {
    const object = this.#find(kind, name);
    return Object.keys(object ?? this.#more[name] ?? { url: "" });
  }

  get(kind: "Secret" | "ConfigMap", name: string, key: string): string {
    const value = this.#find(kind, name)?.[key];
    if (value !== undefined) return kind === "Secret" ? Buffer.from(value, "base64").toString() : value;
    return this.#more[name]?.[key] ?? this.#madeUp(key);
  }

  #find(kind: "Secret" | "ConfigMap", name: string): Record<string, string> | undefined {
    return ofKind(this.#objects, kind).find(({ metadata }) => metadata.name === name)?.data;
  }

  /** Something of the right form, and different each time. */
  #madeUp(key: string): string {
    this.#count += 1;
    if (key.endsWith(".pem") || key.endsWith(".key")) {
      return generateKeyPairSync("ec", { namedCurve: "P-256" })
        .privateKey.export({ type: "pkcs8", format: "pem" })
        .toString();
    }
    if (/^(url|uri|primary|replica-[0-9])$/.test(key))
      return `postgres://plangate@db-${this.#count}.example.com:5432/plangate`;
    return `a secret of more than sixteen bytes ${this.#count}`;
  }
}

function storeOf(objects: readonly KubernetesObject[], more: Store): ObjectStore {
  return new ObjectStore(objects, more);
}

function filesOf(volume: IVolume, store: ObjectStore): [file: string, text: string][] {
  const { configMap, secret, projected } = volume;
  const of = (kind: "Secret" | "ConfigMap", name = "", items?: readonly { key: string; path: string }[]) =>
    (items ?? store.keys(kind, name).map((key) => ({ key, path: key }))).map(({ key, path }): [string, string] => [
      path,
      store.get(kind, name, key),
    ]);
  if (configMap != null) return of("ConfigMap", configMap.name, configMap.items);
  if (secret != null) return of("Secret", secret.secretName, secret.items);
  return (projected?.sources ?? []).flatMap(({ secret: source }) => of("Secret", source?.name, source?.items));
}

function environmentOf(spec: IPodSpec, container: number, store: ObjectStore): Record<string, string> {
  return Object.fromEntries(
    (spec.containers[container]?.env ?? []).map(({ name, value, valueFrom }) => {
      const from = valueFrom?.secretKeyRef;
      return [name, from == null ? (value ?? "") : store.get("Secret", from.name ?? "", from.key)];
    }),
  );
}

/** The variables of a pod's first container, Secrets of the chart looked up. */
export function podEnvironment(objects: readonly KubernetesObject[], spec: IPodSpec): Record<string, string> {
  return environmentOf(spec, 0, storeOf(objects, {}));
}
