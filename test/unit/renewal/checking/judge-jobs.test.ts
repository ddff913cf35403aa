import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import { bad, doubtful } from '../../../../src/renewal/checking/finding.js'
import { fewOf, judgeJobFailures, keptAlive } from '../../../../src/renewal/checking/judge-jobs.js'

const failing = (number: number, message: string) => ({
  registration: { identity: `/CN=user ${number}`, fileName: `job-${number}` },
  failure: {
    at: asUnixSeconds(1_800_000_000),
    code: 'SERVER_UNREACHABLE',
    message,
    persistence: 'transient' as const,
  },
})

describe('judgeJobFailures', () => {
  it('makes 2 findings of a server that is down for 10,000 and of one that refuses 1', () => {
    const down = Array.from({ length: 10_000 }, (_, at) => failing(at, 'px does not answer'))
    expect(judgeJobFailures([...down, failing(10_001, 'not a renewer\x1b[2J')])).toEqual([
      doubtful(
        'jobs',
        'the renewal of 10000 job proxies has failed: px does not answer',
        undefined,
      ),
      doubtful('jobs', 'its renewal has failed: not a renewer [2J', undefined, {
        identity: '/CN=user 10001',
        fileName: 'job-10001',
      }),
    ])
  })
})

describe('fewOf', () => {
  const minor = (count: number) => Array.from({ length: count }, () => doubtful('jobs', 'm', 'c'))
  const grave = (count: number) => Array.from({ length: count }, () => bad('jobs', 'g', 'c'))

  it('leaves 20 as they are', () => {
    const all = [...minor(19), ...grave(1)]
    expect(fewOf(all, 'wms')).toEqual(all)
  })

  it.each([
    [[...minor(30), ...grave(1)], 1, 11, 'doubtful'],
    [[...minor(5), ...grave(30)], 20, 15, 'bad'],
  ] as const)(
    'puts what failed first, and counts the rest by the worst of it',
    (all, graveShown, hidden, verdict) => {
      const shown = fewOf(all, 'wms')
      expect(shown).toHaveLength(21)
      expect(shown.slice(0, graveShown).every((one) => one.verdict === 'bad')).toBe(true)
      expect(shown.at(-1)).toMatchObject({
        verdict,
        sentence: `there are ${hidden} more such troubles of job proxies`,
        cure: 'All of them: vobox-proxy --vo wms query --dn all --table',
      })
    },
  )
})

it.each([
  [0, 0, 'no job is registered'],
  [1, 1, '1 job has 1 proxy, which is alive'],
  [1, 3, '3 jobs share 1 proxy, which is alive'],
  [2, 3, '3 jobs share 2 proxies, all of them alive'],
])('%i proxies of %i jobs: %s', (proxies, jobs, sentence) => {
  expect(keptAlive(proxies, jobs).sentence).toBe(sentence)
})
