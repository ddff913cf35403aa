/** Hooks in a process of its own, `DIRECTORY LOG DEADLINE`: tells a few things, and reports as JSON. */
import { readFileSync } from 'node:fs'
import { AgentsLog } from '../../src/agents/agents-log.js'
import { cleanEnvironment } from '../../src/node/compose/account-environment.js'
import { closeInherited } from '../../src/node/compose/close-inherited.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { nodeRunner } from '../../src/node/ports/runner.js'
import { Hooks } from '../../src/node/service/hooks.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { silentJournal } from '../../src/ports/journal.js'

const [directory = '', path = '', deadline = ''] = process.argv.slice(2)
const at = asUnixSeconds(1_800_000_000)
const base = { clock: systemClock, journal: silentJournal }
const events: unknown[] = []

closeInherited()
const hooks = new Hooks({
  ...base,
  vo: 'alice',
  events: {
    async write(event, fields) {
      events.push({ event, fields })
    },
  },
  log: new AgentsLog({ ...base, files: nodeFiles, path }),
  runner: nodeRunner,
  config: { directory, deadlineSeconds: Number(deadline) },
  pathOf: (fileName) => `/repository/${fileName}`,
  environment: cleanEnvironment(process.env),
})

const began = performance.now()
const identity = '/DC=ch/CN=Anna $(touch x); `id`'
hooks.renewed({ fileName: 'anna', identity, end: at })
hooks.renewed({ fileName: 'others', identity: '/CN=others', end: at })
hooks.renewed({ fileName: 'anna', identity, end: asUnixSeconds(at + 2) })
hooks.alert({
  at,
  step: 'begin',
  alert: 'user-proxy',
  kind: 'user-proxy-short',
  sentence: 'It ends soon.',
  cure: 'Log in.',
  since: at,
  endsAt: at,
  fileName: 'anna',
  identity,
  to: [],
})
hooks.alert({
  at,
  step: 'reminder',
  alert: 'machine-proxy',
  kind: 'machine-proxy-missing',
  sentence: 'There is none.',
  since: at,
  to: [],
})
hooks.settled().then(() => {
  const ms = performance.now() - began
  process.stdout.write(JSON.stringify({ ms, events, lines: linesOf(path) }))
})

function linesOf(log: string): string[] {
  try {
    const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => line.slice('2026-11-22T07:00:00Z '.length))
  } catch {
    return []
  }
}
