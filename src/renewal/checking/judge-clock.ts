/**
 * Whether the clock of this machine is right, by what others signed at a known time.
 *
 * No server tells its time: TLS has had random bytes in that place since OpenSSL 1.1, and MyProxy has
 * no such field. But a MyProxy server dates the proxy that it makes, from now or, as Globus does, from
 * five minutes ago; and no CRL was issued in the future. So a deviation is seen from its other side:
 * never less than it is, and at most five minutes more. Pure.
 */
import type { UnixSeconds } from '../../ports/clock.js'
import { showDuration } from '../../ports/time-text.js'
import { bad, doubtful, type Finding, good, skipped } from './finding.js'

export interface ClockFacts {
  now: UnixSeconds
  /** What systemd says of the time service; absent: nothing says it. */
  synchronised?: boolean
  /** Proxies that servers made a moment ago. */
  dated: readonly DatedByServer[]
  /** The newest start of validity of any CRL of this machine. */
  newestCrl?: UnixSeconds
}

export interface DatedByServer {
  server: string
  /** Start of validity that the server wrote. */
  notBefore: UnixSeconds
  /** Our clock when it came. */
  receivedAt: UnixSeconds
}

/** Globus dates proxies back by this much, so that a clock that lags takes them. */
const BACKDATED_SECONDS = 300
/** What an exchange takes, and what nobody minds. */
const SLACK_SECONDS = 60

const CURE = 'Run a time service (chrony or systemd-timesyncd) and see that it reaches its servers'

export function judgeClock(facts: ClockFacts): Finding {
  const { now, dated, synchronised, newestCrl } = facts
  for (const { server, notBefore, receivedAt } of dated) {
    const behind = notBefore - receivedAt
    const ahead = receivedAt - notBefore - BACKDATED_SECONDS
    if (behind > SLACK_SECONDS) return isOff('behind', behind, `that of ${server}`)
    if (ahead > SLACK_SECONDS) return isOff('ahead of', ahead, `that of ${server}`)
  }
  if (newestCrl !== undefined && newestCrl - now > SLACK_SECONDS) {
    return isOff('behind', newestCrl - now, 'that of a CA, which has dated a CRL later than now')
  }
  if (synchronised === false) {
    return doubtful('clock', 'the clock of this machine is not kept by any time service', CURE)
  }
  const [first] = dated
  if (first !== undefined) {
    return good('clock', `the clock agrees with that of ${first.server}, as far as it shows`)
  }
  return synchronised
    ? good('clock', 'the clock is kept by a time service')
    : skipped('clock', 'nothing here tells whether the clock is right')
}

function isOff(how: 'behind' | 'ahead of', seconds: number, whose: string): Finding {
  const sentence = `the clock of this machine is at least ${showDuration(seconds)} ${how} ${whose}`
  return bad('clock', sentence, CURE)
}
