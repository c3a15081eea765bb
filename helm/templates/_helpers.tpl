{{/* Short enough that everything derived from it stays within 63 characters, and CronJobs within 52; begins with a letter and has no dot, as
Services demand. */}}
{{- define "plangate.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $name = default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- $name = .Release.Name -}}
{{- else -}}
{{- $name = printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- end -}}
{{- if regexMatch "^[0-9]" $name -}}
{{- $name = printf "gate-%s" $name -}}
{{- end -}}
{{- $name | replace "." "-" | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of an object of the whole cluster: another release may have the same name in another namespace. */}}
{{- define "plangate.clusterName" -}}
{{- $name := printf "%s-%s" .Release.Namespace (include "plangate.fullname" .) -}}
{{- if le (len $name) 63 -}}
{{- $name -}}
{{- else -}}
{{- printf "%s-%s" ($name | trunc 52) (sha256sum $name | trunc 10) -}}
{{- end -}}
{{- end -}}

{{- define "plangate.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "plangate.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "plangate.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: plangate
{{- end -}}

{{- define "plangate.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "plangate.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "plangate.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "plangate.policiesConfigMap" -}}
{{- default (printf "%s-policies" (include "plangate.fullname" .)) .Values.policies.existingConfigMap -}}
{{- end -}}

{{- define "plangate.dataClaim" -}}
{{- default (printf "%s-data" (include "plangate.fullname" .)) .Values.database.embedded.existingClaim -}}
{{- end -}}

{{- define "plangate.tlsSecret" -}}
{{- if eq .Values.admission.tls.source "existingSecret" -}}
{{- .Values.admission.tls.existingSecret.name -}}
{{- else if eq .Values.admission.tls.source "certManager" -}}
{{- /* Not the name of the Secret that the chart makes: Helm would delete it when the source changes. */ -}}
{{- printf "%s-admission" (include "plangate.fullname" .) -}}
{{- else -}}
{{- printf "%s-admission-tls" (include "plangate.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* The name that the API server calls, and checks the certificate for. */}}
{{- define "plangate.admissionHost" -}}
{{- printf "%s.%s.svc" (include "plangate.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* The admission check answers to clients without a certificate, such as kubelet's probes. */}}
{{- define "plangate.admissionIsOpen" -}}
{{- if and .Values.admission.enabled (not .Values.admission.tls.clientCa.configMap) -}}true{{- end -}}
{{- end -}}

{{/* The callers of the values, and the collector of evidence. */}}
{{- define "plangate.callers" -}}
{{- $callers := .Values.callers -}}
{{- if .Values.evidenceCollector.enabled -}}
{{- $databases := list -}}
{{- range .Values.evidenceCollector.databases -}}{{- $databases = append $databases .database -}}{{- end -}}
{{- $any := list "*" -}}
{{- $may := list "push-evidence" -}}
{{- $collector := dict "name" "evidence-collector" "services" $any "environments" $any "databases" ($databases | uniq) "may" $may -}}
{{- $callers = append $callers $collector -}}
{{- end -}}
{{- $callers | toYaml -}}
{{- end -}}

{{/* plangate.yaml. Paths are absolute; secrets are names of environment variables. */}}
{{- define "plangate.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $any := .Values.listenAddress -}}
{{- $listen := dict "api" (dict "address" $any "port" 8080) "metrics" (dict "address" $any "port" 9090) -}}
{{- if .Values.admission.enabled -}}
{{- $tls := dict "cert" "/etc/plangate/tls/tls.crt" "key" "/etc/plangate/tls/tls.key" -}}
{{- if .Values.admission.tls.clientCa.configMap -}}
{{- $_ := set $tls "clientCa" "/etc/plangate/client-ca/ca.crt" -}}
{{- end -}}
{{- $_ := set $listen "admission" (dict "address" $any "port" 8443 "tls" $tls) -}}
{{- end -}}
{{- $_ := set $config "listen" $listen -}}
{{- $_ := set $config "gate" (merge (dict "dataDir" "/var/lib/plangate") (default dict $config.gate)) -}}
{{- $_ := set $config "policies" (merge (dict "directory" "/etc/plangate/policies") (default dict $config.policies)) -}}
{{- if not .Values.database.embedded.enabled -}}
{{- $_ := set $config "database" (dict "urlEnv" "PLANGATE_DATABASE_URL") -}}
{{- end -}}
{{- $callers := list -}}
{{- range $index, $caller := include "plangate.callers" . | fromYamlArray -}}
{{- $caller = deepCopy $caller -}}
{{- if not $caller.oidc -}}
{{- $variables := list -}}
{{- range $position, $_ := default (list 1) $caller.secrets -}}
{{- $variables = append $variables (printf "PLANGATE_CALLER_%d_SECRET_%d" (add1 $index) (add1 $position)) -}}
{{- end -}}
{{- $_ := set $caller "secrets" $variables -}}
{{- end -}}
{{- $callers = append $callers $caller -}}
{{- end -}}
{{- $_ := set $config "callers" $callers -}}
{{- $keys := list -}}
{{- range .Values.keys -}}
{{- if .publicKeyFile -}}
{{- $keys = append $keys (dict "kid" .kid "publicKeyFile" .publicKeyFile) -}}
{{- else -}}
{{- $keys = append $keys (dict "kid" .kid "privateKeyFile" (printf "/etc/plangate/keys/%s.pem" .kid)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $config "keys" $keys -}}
{{- $config | toYaml -}}
{{- end -}}

{{/* Environment variables with the callers' secrets. */}}
{{- define "plangate.callerEnv" -}}
{{- $generated := printf "%s-callers" (include "plangate.fullname" .) -}}
{{- range $index, $caller := include "plangate.callers" . | fromYamlArray -}}
{{- if not $caller.oidc -}}
{{- range $position, $secret := default (list (dict "name" $generated "key" $caller.name)) $caller.secrets }}
- name: {{ printf "PLANGATE_CALLER_%d_SECRET_%d" (add1 $index) (add1 $position) }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | quote }}
      key: {{ $secret.key | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What holds for every container of the chart. */}}
{{- define "plangate.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What holds for every pod of the chart: nobody is root, and nobody has a token of the cluster. */}}
{{- define "plangate.podDefaults" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Fails where values contradict each other in a way that the schema cannot see. */}}
{{- define "plangate.check" -}}
{{- if and .Values.database.embedded.enabled .Values.autoscaling.enabled -}}
{{- fail "autoscaling: the embedded database is one gate's own. Set database.embedded.enabled or autoscaling.enabled to false." -}}
{{- end -}}
{{- if and .Values.database.embedded.enabled .Values.database.migrate.enabled -}}
{{- fail "database.migrate: the embedded database has no owner beside the gate. Set database.migrate.enabled to false." -}}
{{- end -}}
{{- $kids := list -}}
{{- range $index, $key := .Values.keys -}}
{{- if has $key.kid $kids -}}{{- fail (printf "keys: %s is given twice." $key.kid) -}}{{- end -}}
{{- $kids = append $kids $key.kid -}}
{{- if and (eq $index 0) $key.publicKeyFile -}}
{{- fail "keys: the first key signs, and a publicKeyFile cannot. Put a private key first." -}}
{{- end -}}
{{- end -}}
{{- range .Values.keys -}}
{{- with .publicKeyFile -}}
{{- $file := trimPrefix "public-keys/" . -}}
{{- if not (hasKey $.Values.publicKeys $file) -}}{{- fail (printf "keys: publicKeys has no %s." $file) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $least := add .Values.drainSeconds 60 -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (int $least) -}}
{{- fail (printf "terminationGracePeriodSeconds: must be at least %d: drainSeconds, and 60 for what is being answered." (int $least)) -}}
{{- end -}}
{{- $callers := list -}}
{{- range include "plangate.callers" . | fromYamlArray -}}
{{- if has .name $callers -}}{{- fail (printf "callers: %s is given twice." .name) -}}{{- end -}}
{{- $callers = append $callers .name -}}
{{- end -}}
{{- $collectors := list -}}
{{- range .Values.evidenceCollector.databases -}}
{{- if has .name $collectors -}}{{- fail (printf "evidenceCollector.databases: %s is given twice." .name) -}}{{- end -}}
{{- $collectors = append $collectors .name -}}
{{- end -}}
{{- $environments := list -}}
{{- range .Values.config.admission.environments -}}
{{- if has .name $environments -}}{{- fail (printf "config.admission.environments: %s is given twice." .name) -}}{{- end -}}
{{- $environments = append $environments .name -}}
{{- end -}}
{{- end -}}
