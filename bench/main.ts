/** Runs the benchmarks that were asked for and prints them as the tables of `docs/benchmarks.md`. */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { keepsLimit, type Section, showSection } from './support/report.js'

const BENCHMARKS: Record<string, () => Promise<Section[]>> = {
  cli: async () => (await import('./cli-start-up.js')).measureCliStartUp(),
  registry: async () => (await import('./registry-size.js')).measureRegistrySize(),
  idle: async () => (await import('./idle-daemon.js')).measureIdleDaemon(),
  logon: async () => (await import('./logon.js')).measureLogon(),
  renewals: async () => (await import('./renewals.js')).measureRenewals(),
  'dead-servers': async () => (await import('./dead-servers.js')).measureDeadServers(),
  voms: async () => (await import('./voms.js')).measureVoms(),
  'myproxy-server': async () => (await import('./myproxy-server.js')).measureMyProxyServer(),
  'myproxy-server-memory': async () =>
    (await import('./myproxy-server-memory.js')).measureMyProxyServerMemory(),
  jobs: async () => (await import('./jobs.js')).measureJobs(),
  'voms-attributes': async () => (await import('./voms-attributes.js')).measureVomsAttributes(),
}

function heading(): string {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`
  return [
    '# Benchmarks',
    '',
    `Made by \`npm run bench -- --write\` on ${machine}. Ratios travel from machine to machine, seconds`,
    'do not; each ratio is of figures from one run. A limit is what the project holds itself to.',
    '',
  ].join('\n')
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const wanted = args.filter((arg) => !arg.startsWith('--'))
  const names = wanted.length > 0 ? wanted : Object.keys(BENCHMARKS)

  const sections: Section[] = []
  for (const name of names) {
    const benchmark = BENCHMARKS[name]
    if (!benchmark) throw new Error(`no benchmark '${name}'; there are ${Object.keys(BENCHMARKS)}`)
    process.stderr.write(`measuring: ${name} …\n`)
    for (const section of await benchmark()) {
      sections.push(section)
      process.stdout.write(`${showSection(section)}\n`)
    }
  }
  if (args.includes('--write')) {
    const text = [heading(), ...sections.map(showSection)].join('\n')
    writeFileSync(join(process.cwd(), 'docs', 'benchmarks.md'), text)
  }
  const missed = sections.flatMap((section) => section.rows).filter((row) => !keepsLimit(row))
  for (const row of missed) process.stderr.write(`limit missed: ${row.what}\n`)
  if (missed.length > 0) process.exitCode = 1
}

await main()
