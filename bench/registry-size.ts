/** What the size of the registry costs whoever asks for one registration, or for all. */
import { join } from 'node:path'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { race, runSilently } from './support/measure.js'
import type { Row, Section } from './support/report.js'
import { type BenchVo, makeBenchVo } from './support/vo-directory.js'

const ROUNDS = 15
const PROGRAM = join(process.cwd(), 'bin', 'vobox-proxy')

export async function measureRegistrySize(): Promise<Section[]> {
  const temporary = await makeTemporaryDirectory()
  try {
    const small = await makeBenchVo(temporary.path, 10)
    const middle = await makeBenchVo(temporary.path, 1000)
    const large = await makeBenchVo(temporary.path, 10_000)
    const fileName = ({ env, dns }: BenchVo) => {
      const dn = dns[Math.floor(dns.length * 0.7)] ?? ''
      return runSilently(PROGRAM, ['--vo', 'alice', '--dn', dn, 'query-proxy-filename'], env)
    }
    const all = ({ env }: BenchVo) =>
      runSilently(PROGRAM, ['--vo', 'alice', '--dn', 'all', 'query'], env)
    const one = await race(
      {
        small: () => fileName(small),
        middle: () => fileName(middle),
        large: () => fileName(large),
      },
      ROUNDS,
    )
    const every = await race(
      { small: () => all(small), middle: () => all(middle), large: () => all(large) },
      3,
    )
    const row = (what: string, ours: number, base: number, limit?: Row['limit']): Row => ({
      what,
      ours: `${ours.toFixed(0)} ms`,
      peer: `with 10 registrations ${base.toFixed(0)} ms`,
      ratio: ours / base,
      ...(limit && { limit }),
    })
    return [
      {
        title: 'Size of the registry',
        how: `Whole processes, median of ${ROUNDS} alternating runs (3 for \`--dn all query\`).`,
        rows: [
          row('`query-proxy-filename --dn` of 1,000', one.middle, one.small),
          row('`query-proxy-filename --dn` of 10,000', one.large, one.small, { atMost: 2 }),
          row('`--dn all query` of 1,000, every proxy file read', every.middle, every.small),
          row('`--dn all query` of 10,000, every proxy file read', every.large, every.small),
        ],
      },
    ]
  } finally {
    await temporary.remove()
  }
}
