import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import {
  allFailed,
  isNotReached,
  leavesDoubt,
  namingPeer,
  notAsked,
  outcomeUnknown,
} from '../../../src/gsi/reach-failures.js'

const PX = 'px.example.org:7512 (192.0.2.1)'
const none = { addresses: 0, servers: [] }
const failed = (persistence: 'transient' | 'permanent', hint?: string) => {
  const error = new VoboxError('PEER_UNTRUSTED', `${PX} is not trusted`, { persistence, hint })
  const { code, message } = error
  return { error, attempt: { server: 'px.example.org:7512', code, message, persistence } }
}

describe('a request that had left', () => {
  it.each([
    ['the connection was cut', 'CONNECTION_CLOSED', undefined, true],
    ['no answer came in time', 'DEADLINE_EXCEEDED', undefined, true],
    ['the answer was nonsense', 'PROTOCOL_VIOLATION', undefined, true],
    ['TLS broke for another reason', 'TLS_FAILED', 'ALERT_INTERNAL_ERROR', true],
    ['TLS broke for no reason', 'TLS_FAILED', undefined, true],
    ['our CA is not known there', 'TLS_FAILED', 'ALERT_UNKNOWN_CA', false],
    ['our certificate has expired', 'TLS_FAILED', 'ALERT_CERTIFICATE_EXPIRED', false],
    ['our certificate is no good', 'TLS_FAILED', 'ALERT_BAD_CERTIFICATE', false],
    ['the server refused it', 'MYPROXY_REFUSED', undefined, false],
    ['it was cancelled', 'CANCELLED', undefined, false],
  ] as const)('after which %s leaves a doubt, or not', (_what, code, reason, doubt) => {
    expect(leavesDoubt(new VoboxError(code, 'it broke', { data: { reason } }))).toBe(doubt)
  })

  it('that may have been carried out is a permanent failure with the cause and the place to look', () => {
    const cause = new VoboxError('CONNECTION_CLOSED', `${PX} cut the connection`)
    const error = outcomeUnknown(PX, cause)
    expect(error).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      persistence: 'permanent',
      data: { peer: PX, reason: 'CONNECTION_CLOSED' },
      cause,
    })
    expect(error.message).toBe(
      `${PX} cut the connection, after the request had left: it may or may not have been done`,
    )
  })
})

describe('what another server may do better', () => {
  it.each([
    ['NAME_NOT_RESOLVED', true],
    ['CONNECTION_FAILED', true],
    ['PEER_UNTRUSTED', true],
    ['MESSAGE_TOO_LARGE', true],
    ['MYPROXY_NO_CREDENTIAL', false],
    ['TRUST_ANCHORS_UNREADABLE', false],
    ['KEY_TOO_WEAK', false],
  ] as const)('%s: %s', (code, better) => {
    expect(isNotReached(new VoboxError(code, 'no'))).toBe(better)
    expect(isNotReached(new Error(code))).toBe(false)
  })
})

describe('a failure that does not name its server', () => {
  it('gets the name, once, and keeps code, hint and persistence', () => {
    const plain = new VoboxError('PROTOCOL_VIOLATION', 'it sent nonsense', {
      hint: 'ask',
      persistence: 'permanent',
    })
    const named = namingPeer(plain, PX)
    expect(named).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: `${PX}: it sent nonsense`,
      hint: 'ask',
      persistence: 'permanent',
      data: { peer: PX },
      cause: plain,
    })
    expect(namingPeer(named, PX)).toBe(named)
  })

  it('and is of this host alone stays as it is', () => {
    const ours = new VoboxError('TRUST_ANCHORS_UNREADABLE', 'no such directory')
    expect(namingPeer(ours, PX)).toBe(ours)
  })
})

describe('when no server could be used', () => {
  it('it is permanent only where each attempt was, and no address is left', () => {
    const [one, other] = [failed('permanent'), failed('transient')]
    expect(allFailed([one], none).persistence).toBe('permanent')
    expect(allFailed([one, other], none).persistence).toBe('transient')
    expect(allFailed([one], { ...none, addresses: 1 }).persistence).toBe('transient')
  })

  it('the last hint is taken, else a general one', () => {
    const hinted = allFailed([failed('permanent', 'first'), failed('permanent', 'last')], none)
    expect(hinted.hint).toBe('last')
    expect(allFailed([failed('permanent')], none).hint).toContain('no firewall is in the way')
  })

  it('servers that a change never goes to are named with the reason: one was, 2 were', () => {
    expect(notAsked(['px2:7512'])).toMatch(/^px2:7512 was not asked: changes go to the first/)
    expect(notAsked(['px2:7512', 'px3:7512'])).toMatch(/^px2:7512, px3:7512 were not asked: /)
    const failure = allFailed([failed('permanent')], { addresses: 0, servers: ['px2:7512'] })
    expect(failure.data).toMatchObject({ notAsked: ['px2:7512'] })
    expect(failure.data.untried).toBeUndefined()
  })
})
