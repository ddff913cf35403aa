import { describe, expect, it } from 'vitest'
import { type AlertStep, stepAlerts } from '../../../src/alerts/alert-states.js'
import { assess } from '../../../src/alerts/conditions.js'
import { mailText } from '../../../src/alerts/mail-text.js'
import type { Observation } from '../../../src/registry/observation.js'
import { DAY, HOUR, hours, later } from '../../support/time.js'
import { AT, failure, machine, observed } from './fixtures.js'

const origin = { host: 'voalice01.example.org', vo: 'alice', reminderSeconds: DAY }
const UPLOAD = 'vobox-proxy myproxy init --for-vobox -s px.example.org'
const REGISTER = 'vobox-proxy --vo alice register --no-voms'

const withRole = { registration: { voms: ['alice:/alice/Role=lcgadmin'] } }
const down = {
  failures: 1,
  lastFailure: failure('CONNECTION_FAILED', { persistence: 'transient' }),
}

/** The mail of the first alert that an observation begins. */
function firstMail(observation: Observation) {
  const [change] = stepAlerts([], { ...assess(observation), unknown: [] }, AT, DAY).changes
  if (change === undefined) throw new Error('expected an alert')
  return mailText(change, observation, origin)
}

describe('mailText', () => {
  it.each([
    ['info', 'as the server says', 'the server, 1970'],
    ['chain', 'as the last renewal showed', 'the last renewal, 1970'],
  ] as const)('says how the end of a stored credential is known: by %s', (from, words, told) => {
    const storedEnd = { at: later(AT, 9 * DAY), learnedAt: AT, from }
    const { text } = firstMail(observed({ state: { storedEnd } }))
    expect(text.replaceAll('\n', ' ')).toContain(
      `(in 9 d), ${words}. Nothing is renewed after that.`,
    )
    expect(text).toContain(`As told by:             ${told}`)
  })

  it('says of an expired proxy that a pass phrase renews it, where it does, and how to try', () => {
    const passPhraseFile = '/home/alicesgm/phrase'
    const { text } = firstMail(observed({ proxyEnd: hours(99), registration: { passPhraseFile } }))
    expect(text).toContain('A pass phrase can\nstill renew it: the service goes on trying.')
    expect(text).toContain(`Pass phrase file:       ${passPhraseFile}`)
    expect(text).toContain('vobox-proxy --vo alice renew --dn')
  })

  it('names the cure of a pass phrase file that is gone, and the secondary that stands in', () => {
    const hint = 'Put it back, as the VO admin and with mode 0600: /home/alicesgm/phrase'
    const lastFailure = failure('PASS_PHRASE_FILE_UNUSABLE', {
      message: 'the pass phrase file cannot be used: /home/alicesgm/phrase is not there',
      hint,
    })
    const end = later(AT, DAY)
    const behind = { server: 'b:7512', end, ahead: { server: 'a:7512', end } }
    const { subject, text } = firstMail(observed({ state: { failures: 1, lastFailure, behind } }))
    expect(subject).toContain('refused')
    expect(text).toContain(hint)
    expect(text).toContain('Renewed from secondary: b:7512, which is behind a:7512')
  })

  it('names host, VO, DN, file, what ends when and the command, for an expired proxy', () => {
    const { subject, text } = firstMail(observed({ proxyEnd: hours(99) }))
    expect(subject).toBe('[vobox-proxy alice voalice01.example.org] user proxy alicesgm: EXPIRED')
    expect(text).toBe(`The user proxy expired 1970-01-05 03:00 UTC (1 h ago), and an expired
proxy cannot be renewed any more.

VO-Box:                 voalice01.example.org
VO:                     alice
DN:                     /DC=ch/DC=cern/OU=Users/CN=alicesgm/CN=123456
File:                   /var/lib/vobox/alice/proxy_repository/+2fDC+3dch+2fCN+3dalicesgm+2fCN+3dproxy
User proxy ends:        1970-01-05 03:00 UTC (1 h ago)
Stored credential ends: 1970-01-25 00:00 UTC (in 19 d 20 h)
As told by:             the server, 1970-01-05 04:00 UTC
MyProxy server:         px.example.org
Last renewal:           1970-01-05 04:00 UTC (now)

What to do:
Log in to the VO-Box with a fresh proxy of the same person and register
it:
    vobox-proxy --vo alice register --no-voms

This is how it looked on 1970-01-05 04:00 UTC. A reminder comes every
24 h while it lasts, and a last mail when it is over.
`)
  })

  const stored = (end: number) => ({
    storedEnd: { at: later(AT, end), learnedAt: AT, from: 'info' as const },
  })
  const grant = (limit: 'stored-lifetime' | 'server-cap' | 'attributes') => ({
    shortGrant: { askedSeconds: 48 * HOUR, grantedSeconds: 12 * HOUR, limit },
  })
  const failed = (code: string, hint?: string) => ({
    failures: 2,
    lastFailure: failure(code, hint === undefined ? {} : { hint }),
  })

  it.each<[string, Observation, string, string[]]>([
    [
      'a proxy that ends soon',
      observed({ proxyEnd: later(AT, 1800), state: down }),
      'user proxy alicesgm: ends soon',
      ['ends 1970-01-05 04:30 UTC (in 30 min)', `    ${REGISTER}\n`, 'renew --dn /DC=ch/'],
    ],
    [
      'a proxy that ends soon because its stored credential has expired',
      observed({ proxyEnd: later(AT, 1800), state: { ...down, ...stored(-HOUR) } }),
      'user proxy alicesgm: ends soon',
      [`    ${UPLOAD}\n`],
    ],
    [
      'a proxy that expired together with its stored credential',
      observed({ proxyEnd: AT, state: stored(-HOUR) }),
      'user proxy alicesgm: EXPIRED',
      [`    ${UPLOAD}\n`, `    ${REGISTER}\n`],
    ],
    [
      'a file that cannot be read',
      observed({ proxyEnd: null }),
      'user proxy alicesgm: UNREADABLE',
      ['missing or damaged', 'User proxy ends:        not known', `    ${REGISTER}\n`],
    ],
    [
      'a stored credential with 9 days left',
      observed({ state: stored(9 * DAY) }),
      'stored credential alicesgm: ends soon',
      ['(in 9 d)', `    ${UPLOAD}\n`],
    ],
    [
      'a stored credential that is missing',
      observed({ state: failed('MYPROXY_NO_CREDENTIAL', `Its owner stores it: ${UPLOAD}`) }),
      'renewal alicesgm: refused',
      [
        'trying again will not help',
        'help. It failed with\nMYPROXY_NO_CREDENTIAL.',
        `    ${UPLOAD}\n`,
        'MYPROXY_NO_CREDENTIAL',
        'Stored credential ends: it is gone, said the server on 1970-01-05 04:00 UTC\n',
      ],
    ],
    [
      'a renewer that is not allowed, with the hint that names the machine',
      observed({
        state: failed('MYPROXY_NOT_AUTHORISED_RENEWER', `${UPLOAD} -x -R /DC=ch/CN=box`),
      }),
      'renewal alicesgm: refused',
      [`    ${UPLOAD} -x -R /DC=ch/CN=box\n`],
    ],
    [
      'a failure that no table knows, with its own hint',
      observed({ state: failed('PEER_NAME_MISMATCH', 'Set myproxy.server_dn') }),
      'renewal alicesgm: refused',
      ['help. It failed with\nPEER_NAME_MISMATCH.', '    Set myproxy.server_dn\n'],
    ],
    [
      'a stored -t of 12 h, for a credential under a user name',
      observed({
        registration: { username: "o'alice", credentialName: 'grid' },
        state: grant('stored-lifetime'),
      }),
      'granted lifetime alicesgm: shorter than asked',
      [
        'granted 12 h: the credential\nwas uploaded with a shorter -t.',
        `    vobox-proxy myproxy init --for-vobox -s px.example.org -l 'o'\\''alice' -k grid\n`,
        "Stored under:           o'alice",
      ],
    ],
    [
      'a server that grants 12 h to anybody',
      observed({ state: grant('server-cap') }),
      'granted lifetime alicesgm: shorter than asked',
      ['    vobox-proxy --vo alice register -t 12 --no-voms\n', 'max_proxy_lifetime'],
    ],
    [
      'VOMS that fails for good, while MyProxy works',
      observed({
        ...withRole,
        state: {
          failures: 9,
          lastFailure: failure('VOMS_SERVERS_FAILED', {
            stage: 'attributes',
            hint: 'Ask the manager of the VOMS server',
          }),
        },
      }),
      'VOMS attributes alicesgm: no longer granted',
      [
        'The MyProxy server renews, but VOMS does not give',
        'The old proxy stays while it lives.',
        'VOMS attributes:        alice:/alice/Role=lcgadmin\n',
        '    Ask the manager of the VOMS server\n',
      ],
    ],
    [
      'a role that was taken back, with the words of the server, which begin with its name',
      observed({
        ...withRole,
        state: {
          failures: 1,
          lastFailure: failure('VOMS_ATTRIBUTE_NOT_GRANTED', {
            stage: 'attributes',
            message: 'voms.example.org:15000 refuses the role',
          }),
        },
      }),
      'VOMS attributes alicesgm: no longer granted',
      ['help. voms.example.org:15000 refuses the role. The old proxy stays'],
    ],
    [
      'one of two that was taken back, with the command that goes on with the other',
      observed({
        registration: { voms: ['alice:/alice/Role=lcgadmin', 'alice'] },
        state: {
          failures: 1,
          lastFailure: failure('VOMS_ATTRIBUTE_NOT_GRANTED', { stage: 'attributes' }),
        },
      }),
      'VOMS attributes alicesgm: no longer granted',
      [
        'To go on with what VOMS still grants, on the VO-Box:\n',
        '    vobox-proxy --vo alice register --allow-partial --voms alice:/alice/Role=lcgadmin --voms alice\n',
      ],
    ],
    [
      'a proxy that goes without a role',
      observed({ ...withRole, state: { missingAttributes: ['alice:/alice/Role=lcgadmin'] } }),
      'VOMS attributes alicesgm: not all granted',
      ['renewed without some', 'alice:/alice/Role=lcgadmin.', 'register with what is granted'],
    ],
    [
      'attributes that have expired',
      observed({ ...withRole, proxyEnd: hours(99), chainEnd: hours(120) }),
      'user proxy alicesgm: attributes EXPIRED',
      ['expired 1970-01-05 03:00 UTC (1 h ago)', 'It can still be renewed', ' renew --dn /DC=ch/'],
    ],
    [
      'attributes that VOMS grants for 12 h only',
      observed({ ...withRole, state: grant('attributes') }),
      'granted lifetime alicesgm: shorter than asked',
      [
        'Of the 48 h asked for, 12 h were granted: VOMS gives',
        'manager of the VOMS server',
        '    vobox-proxy --vo alice register -t 12 --voms alice:/alice/Role=lcgadmin\n',
      ],
    ],
    [
      'a machine proxy that is missing',
      machine({ problem: 'no such file' }),
      'machine proxy: MISSING',
      [
        'no such file',
        'ask the site manager',
        '    /etc/init.d/alice-box-proxyrenewal proxy\n',
        '/etc/cron.d/alice-box-proxyrenewal',
      ],
    ],
    [
      'a machine proxy that ends in 2 h',
      machine({ end: later(AT, 2 * HOUR) }),
      'machine proxy: ends soon',
      ['(in 2 h)', 'Machine proxy ends:     1970-01-05 06:00 UTC (in 2 h)', 'ask the site manager'],
    ],
    [
      'a problem of the service',
      {
        about: 'service',
        at: AT,
        condition: 'registry-damaged',
        problem: 'It was set aside',
        cure: 'Restore it',
      },
      'service registry-damaged: problem',
      ['It was set aside.', '    Restore it\n'],
    ],
  ])('writes about %s', (_name, observation, subjectEnd, parts) => {
    const { subject, text } = firstMail(observation)
    expect(subject).toBe(`[vobox-proxy alice voalice01.example.org] ${subjectEnd}`)
    const unbroken = text.replaceAll(/(?<=\S)\n(?=\S)/g, ' ')
    for (const part of parts) expect(`${text}\n${unbroken}`).toContain(part)
  })

  it.each<[AlertStep, string, string]>([
    ['reminder', 'EXPIRED (reminder)', 'Still so: The user proxy expired'],
    ['worse', 'EXPIRED', 'The user proxy expired'],
  ])('marks a mail of the step "%s"', (step, words, start) => {
    const observation = observed({ proxyEnd: hours(99) })
    const [change] = stepAlerts([], assess(observation), AT, DAY).changes
    if (change === undefined) throw new Error('expected an alert')
    const { subject, text } = mailText({ ...change, step }, observation, origin)
    expect(subject.endsWith(`: ${words}`)).toBe(true)
    expect(text.startsWith(start)).toBe(true)
  })

  it('says that it is over, since when it was so, and asks for nothing', () => {
    const begun = stepAlerts(
      [],
      assess(observed({ proxyEnd: later(AT, 60), state: down })),
      AT,
      DAY,
    )
    const healthy = observed({ at: hours(101) })
    const [change] = stepAlerts(begun.states, assess(healthy), hours(101), DAY).changes
    if (change === undefined) throw new Error('expected an end')
    const { subject, text } = mailText(change, healthy, origin)
    expect(subject.endsWith('user proxy alicesgm: all clear')).toBe(true)
    expect(text).toContain('It was reported\nfirst on 1970-01-05 04:00 UTC.')
    expect(text).not.toContain('What to do')
  })

  it('takes line feeds and control characters out of what servers and DNs say', () => {
    const message = 'no\r\nBcc: eve@example.org\u001b[31m'
    const state = {
      failures: 1,
      lastFailure: failure('MYPROXY_REFUSED', { message, hint: 'first\nWhat to do:\n    rm -rf' }),
    }
    const identity = '/CN=eve\nSubject: x'
    const { subject, text } = firstMail(observed({ registration: { identity }, state }))
    expect(subject).not.toMatch(/[\r\n\u001b]/)
    expect(text).not.toContain('\u001b')
    expect(text.split('\n').filter((line) => line.startsWith('Bcc'))).toEqual([])
    expect(text.split('\n').filter((line) => line === 'What to do:')).toHaveLength(1)
  })

  it('cuts a subject to 120 characters, with what happened still at its end', () => {
    const identity = `/DC=ch/CN=${'x'.repeat(300)}`
    const { subject } = firstMail(observed({ registration: { identity }, proxyEnd: hours(99) }))
    expect(subject).toHaveLength(120)
    expect(subject.endsWith('…: EXPIRED')).toBe(true)
  })

  it('never breaks a command, however long', () => {
    const servers = [`${'long-name.'.repeat(12)}example.org`]
    const observation = observed({ registration: { servers }, state: stored(5 * DAY) })
    const { text } = firstMail(observation)
    expect(text).toContain(`    vobox-proxy myproxy init --for-vobox -s ${servers[0]}\n`)
  })
})
