{{/* Names and labels; a process is named by a list: the top and its name. */}}
{{- define "mobilis.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "mobilis.secret" -}}
{{- .Values.existingSecret | default (include "mobilis.name" .) }}
{{- end }}

{{- define "mobilis.account" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "mobilis.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "mobilis.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "mobilis.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: {{ $top.Chart.Name }}
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "mobilis.image" -}}
{{- $top := index . 0 -}}
{{- $image := (index $top.Values (index . 1)).image | default $top.Values.brain.image -}}
image: {{ printf "%s:%s" $image.repository ($image.tag | default $top.Chart.AppVersion) | quote }}
imagePullPolicy: {{ $image.pullPolicy | default "IfNotPresent" }}
{{- end }}

{{/* What every container may do: read its image, write to /tmp and /var/lib/mobilis. */}}
{{- define "mobilis.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: state, mountPath: /var/lib/mobilis}
{{- end }}

{{- define "mobilis.environment" -}}
{{- $top := index . 0 -}}
envFrom:
  - secretRef:
      name: {{ include "mobilis.secret" $top }}
  - configMapRef:
      name: {{ include "mobilis.name" $top }}
{{- end }}

{{/* All of a pod's specification but its containers. */}}
{{- define "mobilis.pod" -}}
{{- $top := index . 0 -}}
{{- $own := index $top.Values (index . 1) -}}
serviceAccountName: {{ include "mobilis.account" $top }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $top.Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
terminationGracePeriodSeconds: 40
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "mobilis.selector" . | nindent 8 }}
{{- with $own.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 512Mi}
  - name: state
    emptyDir: {medium: Memory, sizeLimit: 16Mi}
{{- end }}

{{/* The head of a Deployment up to its pod's specification. */}}
{{- define "mobilis.deployment" -}}
{{- $top := index . 0 -}}
{{- $name := index . 1 -}}
{{- $own := index $top.Values $name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "mobilis.name" $top }}-{{ $name }}
  labels: {{ include "mobilis.labels" $top | nindent 4 }}
    app.kubernetes.io/component: {{ $name }}
spec:
  {{- if not $own.autoscaling.enabled }}
  replicas: {{ $own.replicas }}
  {{- end }}
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {{ include "mobilis.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{ include "mobilis.selector" . | nindent 8 }}
      annotations:
        checksum/settings: {{ $top.Values.settings | toJson | sha256sum }}
        checksum/secrets: {{ $top.Values.secrets | toJson | sha256sum }}
        {{- with $own.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
{{- end }}
