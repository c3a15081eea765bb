import type { IPodSpec } from "kubernetes-models/v1";
import { containersOf } from "./chart.ts";

/** What a pod takes from elsewhere: "Secret gate-keys gate-1.pem". Without a key: the whole object. */
export function referencesOf(spec: IPodSpec): string[] {
  return [
    ...containersOf(spec).flatMap(({ env = [] }) =>
      env.flatMap(({ valueFrom }) => {
        const { secretKeyRef, configMapKeyRef } = valueFrom ?? {};
        return [
          ...(secretKeyRef == null ? [] : [`Secret ${secretKeyRef.name} ${secretKeyRef.key}`]),
          ...(configMapKeyRef == null ? [] : [`ConfigMap ${configMapKeyRef.name} ${configMapKeyRef.key}`]),
        ];
      }),
    ),
    ...(spec.volumes ?? []).flatMap(({ configMap, secret, projected, persistentVolumeClaim }) => [
      ...(configMap == null ? [] : ofItems("ConfigMap", configMap.name, configMap.items)),
      ...(secret == null ? [] : ofItems("Secret", secret.secretName, secret.items)),
      ...(projected?.sources ?? []).flatMap((source) =>
        source.secret == null ? [] : ofItems("Secret", source.secret.name, source.secret.items),
      ),
      ...(persistentVolumeClaim == null ? [] : [`PersistentVolumeClaim ${persistentVolumeClaim.claimName}`]),
    ]),
  ];
}

function ofItems(kind: string, name: string | undefined, items: readonly { key: string }[] | undefined): string[] {
  return items === undefined ? [`${kind} ${name}`] : items.map(({ key }) => `${kind} ${name} ${key}`);
}
