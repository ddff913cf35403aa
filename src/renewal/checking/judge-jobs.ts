/**
 * Proxies that jobs share, as findings. There may be ten thousand, and one server that is down fails
 * them all: what has one cause is told once, and of many troubles the worst are shown. Pure.
 */
import { printable } from '../../errors.js'
import { voboxCommand } from '../../registry/cure-commands.js'
import type { LastFailure, Registration } from '../../registry/registration.js'
import { type About, bad, doubtful, type Finding, good } from './finding.js'

/** A job proxy whose last renewal failed. */
export interface FailingJobProxy {
  registration: Pick<Registration, 'identity' | 'fileName'>
  failure: LastFailure
}

/** So many are read by somebody; the others are counted. */
const MOST_SHOWN = 20

/** One finding for each thing that went wrong, however many it struck. */
export function judgeJobFailures(failing: readonly FailingJobProxy[]): Finding[] {
  const byMessage = new Map<string, FailingJobProxy[]>()
  for (const one of failing) {
    const struck = byMessage.get(one.failure.message)
    if (struck === undefined) byMessage.set(one.failure.message, [one])
    else struck.push(one)
  }
  return [...byMessage.values()].map((struck) => {
    const [first] = struck as [FailingJobProxy]
    const { message, hint } = first.failure
    const { identity, fileName } = first.registration
    const about: About = struck.length === 1 ? { identity, fileName } : {}
    const whose =
      struck.length === 1 ? 'its renewal' : `the renewal of ${struck.length} job proxies`
    return doubtful('jobs', `${whose} has failed: ${printable(message)}`, hint, about)
  })
}

/** The worst first, and how many there are besides; all of them where they are few. */
export function fewOf(troubles: readonly Finding[], vo: string): Finding[] {
  if (troubles.length <= MOST_SHOWN) return [...troubles]
  const isBad = ({ verdict }: Finding) => verdict === 'bad'
  const worstFirst = [...troubles.filter(isBad), ...troubles.filter((one) => !isBad(one))]
  const hidden = worstFirst.slice(MOST_SHOWN)
  const say = hidden.some(isBad) ? bad : doubtful
  const sentence = `there are ${hidden.length} more such troubles of job proxies`
  const cure = `All of them: ${voboxCommand(vo, 'query', '--dn', 'all', '--table')}`
  return [...worstFirst.slice(0, MOST_SHOWN), say('jobs', sentence, cure)]
}

/** That all is well, or that there is nothing. */
export function keptAlive(proxies: number, jobs: number): Finding {
  if (proxies === 0) return good('jobs', 'no job is registered')
  const share = jobs === 1 ? '1 job has' : `${jobs} jobs share`
  const which = proxies === 1 ? '1 proxy, which is' : `${proxies} proxies, all of them`
  return good('jobs', `${share} ${which} alive`)
}
