/** `docs/prometheus-alerts.yml` against Prometheus' own tool, and against the metrics that there are. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { METRICS } from '../../src/report/metric-table.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import { temporaryDirectory } from '../support/temporary-directory.js'

const RULES = join(import.meta.dirname, '../../docs/prometheus-alerts.yml')
const CASES = join(import.meta.dirname, 'prometheus/alerts.yml')
const rules = readFileSync(RULES, 'utf8')
const cases = readFileSync(CASES, 'utf8')

const promtool = (...words: string[]) =>
  execa(findProgram('promtool') ?? 'promtool', words, { reject: false, all: true })

/** Runs the cases on these rules. */
async function testRules(text: string) {
  const directory = await temporaryDirectory()
  const path = join(directory, 'alerts.yml')
  writeFileSync(path, text)
  writeFileSync(join(directory, 'cases.yml'), cases.replace('@RULES@', path))
  return promtool('test', 'rules', join(directory, 'cases.yml'))
}

describeWithPrograms('alert rules and promtool', ['promtool'], () => {
  it('are rules that Prometheus takes', async () => {
    const { exitCode, all } = await promtool('check', 'rules', RULES)
    expect(exitCode, all).toBe(0)
    expect(all).toMatch(/SUCCESS: 14 rules found/)
  })

  it('are silent while all is well, and fire one by one when it is not', async () => {
    const { exitCode, all } = await testRules(rules)
    expect(exitCode, all).toBe(0)
  })

  it('are held to by the cases: a limit of 10 minutes for 6 hours does not pass', async () => {
    const { exitCode, all } = await testRules(rules.replace('< 21600', '< 600'))
    expect(exitCode).toBe(1)
    expect(all).toContain('VoboxMachineProxyEndsSoon')
  })

  it('each have a case in which they fire', () => {
    const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name)
    const fired = [...cases.matchAll(/alertname: (\w+)\n +exp_alerts:/g)].map(([, name]) => name)
    expect([...new Set(fired)].sort()).toEqual(alerts.sort())
  })

  it('speak of metrics that there are', () => {
    const named = new Set([...rules.matchAll(/\bvobox_\w+/g)].map(([name]) => name))
    expect([...named].filter((name) => !(name in METRICS))).toEqual([])
    expect(named.size).toBeGreaterThan(8)
  })
})
