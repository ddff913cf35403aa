import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { RequestAudit } from '../../../src/myproxy/server/audit.js'
import { plainDn } from '../../../src/myproxy/server/policy/dn-pattern.js'
import type { JournalFields, JournalLevel } from '../../../src/ports/journal.js'

const DN = '/DC=org/DC=example/CN=alice'
const CLIENT = { dn: DN, forms: plainDn(DN), address: '192.0.2.1' }
const REQUEST = { username: 'alice', passPhrase: 'top-secret', lifetimeSeconds: 0 } as const
const GONE = new VoboxError('CONNECTION_CLOSED', 'the client is gone')

function audited(work: (audit: RequestAudit) => void) {
  const lines: [JournalLevel, string, string, JournalFields | undefined][] = []
  const journal = {
    write: (...line: [JournalLevel, string, string, JournalFields?]) =>
      void lines.push([line[0], line[1], line[2], line[3]]),
  }
  work(new RequestAudit(journal, '192.0.2.1:4711'))
  expect(lines).toHaveLength(1)
  const [level, event, message, fields] = lines[0] as (typeof lines)[number]
  const said = Object.fromEntries(
    Object.entries(fields ?? {}).filter(([, value]) => value !== undefined),
  )
  return { level, event, message, fields: said }
}

describe('the line about a request', () => {
  it('says who asked for what, for whom, what was decided, and why', () => {
    const line = audited((audit) => {
      audit.from(CLIENT)
      audit.asks({ ...REQUEST, command: 'get', credentialName: 'grid' })
      audit.note({ reason: 'challenge' })
      audit.note({ serial: '0a', lifetimeSeconds: 43_200 })
      audit.done()
      audit.granted()
    })
    expect(line).toEqual({
      level: 'info',
      event: 'myproxy-served',
      message: 'get granted',
      fields: {
        peer: '192.0.2.1:4711',
        client: DN,
        command: 'get',
        username: 'alice',
        credential: 'grid',
        decision: 'granted',
        reason: 'challenge',
        serial: '0a',
        lifetimeSeconds: 43_200,
      },
    })
  })

  it.each([
    ['put', 'accepted'],
    ['store', 'accepted'],
    ['info', 'owner'],
    ['destroy', 'owner'],
    ['change-pass-phrase', 'pass-phrase'],
    ['get-trust-roots', 'anybody'],
  ] as const)('names for %s the one way there is: %s', (command, reason) => {
    const line = audited((audit) => {
      audit.asks({ ...REQUEST, command })
      audit.granted()
    })
    expect(line.fields).toMatchObject({ decision: 'granted', reason })
  })

  it('gives of a refusal the sentence and the code, and no reason to grant', () => {
    const line = audited((audit) => {
      audit.from(CLIENT)
      audit.asks({ ...REQUEST, command: 'get' })
      audit.note({ reason: 'pass-phrase' })
      audit.refused(new VoboxError('MYPROXY_PASS_PHRASE_REQUIRED', 'invalid pass phrase'))
    })
    expect(line).toMatchObject({ level: 'warn', event: 'myproxy-refused' })
    expect(line.message).toBe('invalid pass phrase')
    expect(line.fields).toMatchObject({
      decision: 'refused',
      code: 'MYPROXY_PASS_PHRASE_REQUIRED',
    })
    expect(line.fields).not.toHaveProperty('reason')
  })

  it('says of a refusal why, where its client is told less, and of what was granted nothing', () => {
    const said = (refuse: boolean) =>
      audited((audit) => {
        audit.hides('not-stored')
        audit.hides('policy')
        if (refuse) audit.refused(new VoboxError('MYPROXY_PASS_PHRASE_REQUIRED', 'invalid'))
        else audit.granted()
      })
    expect(said(true).fields).toMatchObject({ decision: 'refused', because: 'not-stored' })
    expect(said(false).fields).not.toHaveProperty('because')
  })

  it('is one line, whatever is said after it', () => {
    const line = audited((audit) => {
      audit.refused(new VoboxError('DEADLINE_EXCEEDED', 'took longer than 120 s'))
      audit.refused(GONE)
      audit.granted()
    })
    expect(line.fields).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })

  it('tells of what was done as granted when the client is gone before it hears of it', () => {
    const line = audited((audit) => {
      audit.asks({ ...REQUEST, command: 'destroy' })
      audit.done()
      audit.refused(GONE)
    })
    expect(line).toMatchObject({
      level: 'info',
      event: 'myproxy-served',
      message: 'destroy granted; the client did not hear of it: the client is gone',
      fields: { decision: 'granted', code: 'CONNECTION_CLOSED' },
    })
  })

  it('warns of nobody who connects and says nothing, and calls a fault of ours an error', () => {
    expect(audited((audit) => audit.refused(GONE)).level).toBe('info')
    expect(audited((audit) => audit.refused(new TypeError('oops'))).level).toBe('error')
  })

  it('holds no pass phrase, and no line break that a client sent', () => {
    const line = audited((audit) => {
      audit.from({ ...CLIENT, dn: '/CN=a\nmyproxy-served' })
      audit.asks({ ...REQUEST, command: 'get', username: 'x\ny', credentialName: 'a\u2028b' })
      audit.granted()
    })
    expect(JSON.stringify(line)).not.toContain('top-secret')
    expect(line.fields).toMatchObject({
      client: '/CN=a myproxy-served',
      username: 'x y',
      credential: 'a b',
    })
  })
})
