/** The tools of Prometheus and Alertmanager judge deploy/ and /metrics. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DEPLOY } from './monitoring.ts'
import type { Report } from './report.ts'

const judge = (report: Report, sentence: string, command: string, args: readonly string[], input?: string): void => {
  const { status, stdout, stderr } = spawnSync(command, [...args], { encoding: 'utf8', ...(input === undefined ? {} : { input }) })
  report.check(status === 0, sentence)
  if (status !== 0) report.note(`${stdout}${stderr}`)
}

const files = (folder: string): string[] => readdirSync(join(DEPLOY, folder)).filter((name) => name.endsWith('.yml')).map((name) => join(DEPLOY, folder, name))

/** @param metrics - what /metrics answered */
export const checkTools = (report: Report, metrics: string): void => {
  report.section('promtool and amtool')
  judge(report, 'promtool check metrics: /metrics is clean', 'promtool', ['check', 'metrics'], metrics)
  judge(report, 'promtool check config: deploy/prometheus/prometheus.yml', 'promtool', ['check', 'config', join(DEPLOY, 'prometheus/prometheus.yml')])
  judge(report, 'promtool check config: deploy/prometheus/exporter.yml', 'promtool', ['check', 'config', join(DEPLOY, 'prometheus/exporter.yml')])
  judge(report, 'promtool check rules: deploy/prometheus/rules', 'promtool', ['check', 'rules', ...files('prometheus/rules')])
  judge(report, 'promtool test rules: deploy/prometheus/tests', 'promtool', ['test', 'rules', ...files('prometheus/tests')])
  judge(report, 'amtool check-config: deploy/alertmanager', 'amtool', ['check-config', ...files('alertmanager')])
}
