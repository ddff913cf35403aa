/** What a command costs as a whole process, against `node -e 0`: callers run these every few minutes. */
import { lchown, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { race, runSilently } from './support/measure.js'
import type { Row, Section } from './support/report.js'
import { makeBenchVo } from './support/vo-directory.js'

const ROUNDS = 31
const PROGRAM = join(process.cwd(), 'bin', 'vobox-proxy')

/** Callers are VO admins: as root, the launcher first looks at who could have changed Node. */
const NOBODY = { uid: 65_534, gid: 65_534 }

async function giveAway(directory: string): Promise<Partial<typeof NOBODY>> {
  if (process.getuid?.() !== 0) return {}
  const names = await readdir(directory, { recursive: true })
  for (const path of [directory, ...names.map((name) => join(directory, name))]) {
    await lchown(path, NOBODY.uid, NOBODY.gid)
  }
  return NOBODY
}

export async function measureCliStartUp(): Promise<Section[]> {
  const temporary = await makeTemporaryDirectory()
  try {
    const { env, dns } = await makeBenchVo(temporary.path, 10)
    const account = await giveAway(temporary.path)
    const vobox = (...args: string[]) => runSilently(PROGRAM, args, env, account)
    const times = await race(
      {
        node: () => runSilently('node', ['-e', '0'], env, account),
        timeLeft: () => vobox('query-proxy-timeleft'),
        query: () => vobox('query'),
        fileName: () => vobox('--vo', 'alice', '--dn', dns[7] ?? '', 'query-proxy-filename'),
        env: () => vobox('env'),
        table: () => vobox('query', '--table'),
        info: () => vobox('info'),
        help: () => vobox('register', '--help'),
      },
      ROUNDS,
    )
    const row = (what: string, ours: number, limit?: Row['limit']): Row => ({
      what,
      ours: `${ours.toFixed(0)} ms`,
      peer: `\`node -e 0\` ${times.node.toFixed(0)} ms`,
      ratio: ours / times.node,
      ...(limit && { limit }),
    })
    return [
      {
        title: 'Start-up of the command line',
        how: `Whole processes of the VO admin’s, 10 registrations, median of ${ROUNDS} alternating runs.`,
        rows: [
          row('`query-proxy-timeleft`', times.timeLeft, { atMost: 1.6 }),
          row('`query`', times.query, { atMost: 1.6 }),
          row('`query-proxy-filename --dn`', times.fileName),
          row('`env`', times.env),
          row('`query --table`', times.table),
          row('`info`', times.info),
          row('`register --help`', times.help),
        ],
      },
    ]
  } finally {
    await temporary.remove()
  }
}
