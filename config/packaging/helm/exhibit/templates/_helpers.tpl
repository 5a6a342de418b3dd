{{- define "exhibit.name" -}}
{{- if contains "exhibit" .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-exhibit" .Release.Name }}{{ end -}}
{{- end -}}

{{- define "exhibit.labels" -}}
app.kubernetes.io/name: exhibit
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exhibit.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "exhibit.account" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "exhibit.name" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end -}}
{{- end -}}
