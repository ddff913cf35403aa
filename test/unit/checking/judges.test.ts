import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { bad, failed, good } from '../../../src/renewal/checking/finding.js'
import { foldConsequences } from '../../../src/renewal/checking/fold-consequences.js'
import { judgeServer } from '../../../src/renewal/checking/judge-addresses.js'
import { type ClockFacts, judgeClock } from '../../../src/renewal/checking/judge-clock.js'
import {
  type DiskFacts,
  judgeDisk,
  judgeMail,
  judgeService,
  type MailLook,
  type ServiceLook,
} from '../../../src/renewal/checking/judge-machine.js'
import { runProbes } from '../../../src/renewal/checking/run-probes.js'
import { showNagios, showNagiosUnknown } from '../../../src/report/check-nagios.js'
import { showCheck } from '../../../src/report/check-text.js'
import { FakeClock } from '../../support/fake-clock.js'
import { DAY } from '../../support/time.js'

const now = asUnixSeconds(1_800_000_000)
const at = (seconds: number) => asUnixSeconds(now + seconds)
const MiB = 1024 * 1024

describe('judgeClock', () => {
  const dated = (notBefore: number): Partial<ClockFacts> => ({
    dated: [{ server: 'px:7512', notBefore: at(notBefore), receivedAt: now }],
  })
  it.each<[string, Partial<ClockFacts>, string, RegExp]>([
    ['a proxy dated back by 5 min, as Globus does', dated(-300), 'good', /agrees with that of px/],
    ['a proxy dated now', dated(0), 'good', /agrees/],
    ['a proxy dated 10 min from now', dated(600), 'bad', /at least 10 min behind that of px/],
    ['a proxy dated 20 min ago', dated(-1200), 'bad', /at least 15 min ahead of that of px/],
    ['a CRL of tomorrow', { newestCrl: at(DAY) }, 'bad', /at least 24 h behind that of a CA/],
    ['no time service', { synchronised: false }, 'doubtful', /not kept by any time service/],
    ['a time service', { synchronised: true }, 'good', /kept by a time service/],
    ['nothing', {}, 'skipped', /nothing here tells/],
  ])('with %s', (_name, facts, verdict, sentence) => {
    const finding = judgeClock({ now, dated: [], ...facts })
    expect(finding).toMatchObject({ check: 'clock', verdict })
    expect(finding.sentence).toMatch(sentence)
  })
})

describe('judgeDisk', () => {
  const disk = { path: '/vo', freeBytes: 1000 * MiB, freeInodes: 100_000, inodes: 200_000 }
  it.each<[string, Partial<DiskFacts>, string]>([
    ['1000 MiB and 100,000 inodes', {}, 'good'],
    ['200 MiB', { freeBytes: 200 * MiB }, 'doubtful'],
    ['15 MiB', { freeBytes: 15 * MiB }, 'bad'],
    ['99 inodes', { freeInodes: 99 }, 'bad'],
    ['a file system that counts no inodes', { inodes: 0, freeInodes: 0 }, 'good'],
  ])('%s', (_name, changes, verdict) => {
    expect(judgeDisk({ ...disk, ...changes }).verdict).toBe(verdict)
  })
})

describe('judgeService', () => {
  it.each<[string, Partial<ServiceLook>, string]>([
    ['none runs', {}, 'bad'],
    ['one runs and wrote a minute ago', { pid: 7, statusAt: at(-60) }, 'good'],
    ['one runs and has not written for 11 min', { pid: 7, statusAt: at(-660) }, 'bad'],
    ['one runs and has never written', { pid: 'unknown' }, 'doubtful'],
  ])('%s', (_name, look, verdict) => {
    expect(judgeService({ vo: 'alice', now, pid: undefined, ...look }).verdict).toBe(verdict)
  })
})

describe('judgeMail', () => {
  const look: MailLook = { transport: 'sendmail', waiting: 0, wanted: true }
  it.each<[string, Partial<MailLook>, string]>([
    ['nothing known to be wrong', {}, 'good'],
    ['no transport, and mail wanted', { transport: 'none' }, 'doubtful'],
    ['no transport, and none wanted', { transport: 'none', wanted: false }, 'good'],
    ['3 mails waiting', { waiting: 3 }, 'doubtful'],
    ['no sendmail', { trouble: { message: 'no mail can be sent' } }, 'bad'],
  ])('%s', (_name, changes, verdict) => {
    expect(judgeMail({ ...look, ...changes }).verdict).toBe(verdict)
  })
})

describe('judgeServer', () => {
  const error = new VoboxError('CONNECTION_FAILED', 'cannot connect to 192.0.2.1:7512')
  const dead = { ip: '192.0.2.1', error }
  const alive = { ip: '192.0.2.2' }
  it.each([
    ['every address answers', [alive], true, 'good'],
    ['one of two addresses is dead', [dead, alive], true, 'doubtful'],
    ['all are dead and nobody else can do it', [dead], true, 'bad'],
    ['all are dead beside another server', [dead], false, 'doubtful'],
  ] as const)('%s', (_name, addresses, essential, verdict) => {
    const finding = judgeServer('server', { server: 'px:7512', addresses }, essential)
    expect(finding).toMatchObject({ verdict, server: 'px:7512' })
    expect(finding.sentence).toContain('px:7512')
  })
})

describe('foldConsequences', () => {
  const crl = bad('crl', 'the CRL of /CN=CA has expired', 'Run fetch-crl')
  const because = failed('user-proxy', new VoboxError('CRL_EXPIRED', 'its CRL has expired'))
  const untrusted = (check: 'server' | 'user-proxy', issuer: string) =>
    failed(check, new VoboxError('CHAIN_UNTRUSTED', `no CA ${issuer}`, { data: { issuer } }))

  it('skips what an expired CRL explains, and only where that is told', () => {
    expect(foldConsequences([crl, because]).map(({ verdict }) => verdict)).toEqual([
      'bad',
      'skipped',
    ])
    expect(foldConsequences([because]).map(({ verdict }) => verdict)).toEqual(['bad'])
  })

  it('tells a missing CA once, and another one too', () => {
    const folded = foldConsequences([
      untrusted('server', '/CN=A'),
      untrusted('user-proxy', '/CN=A'),
      untrusted('user-proxy', '/CN=B'),
    ])
    expect(folded.map(({ check, verdict }) => `${verdict} ${check}`)).toEqual([
      'bad trust',
      'skipped user-proxy',
      'bad trust',
    ])
  })
})

describe('runProbes', () => {
  it('waits 5 s for one that hangs, delays no other, and keeps their order', async () => {
    const clock = new FakeClock()
    const order: number[] = []
    const running = runProbes(
      [
        { check: 'server', about: { server: 'px' }, look: () => new Promise(() => undefined) },
        { check: 'disk', look: async () => () => [good('disk', 'there is room')] },
      ],
      { clock, deadlineMs: 5000, atOnce: 8, onDone: (done) => order.push(done) },
    )
    await clock.advanceSeconds(6)
    const findings = await running
    expect(findings).toMatchObject([
      { check: 'server', verdict: 'bad', code: 'DEADLINE_EXCEEDED', server: 'px' },
      { check: 'disk', verdict: 'good' },
    ])
    expect(order).toEqual([1, 2])
  })
})

describe('what is printed', () => {
  const findings = [
    good('disk', 'there is room'),
    { ...good('user-proxy', 'its proxy ends in 2 d', { end: at(2 * DAY) }), identity: '/CN=anna' },
    { ...bad('server', 'px|1 is\u001b[31m down', 'See to it'), identity: '/CN=anna' },
  ]
  const text = { vo: 'alice', at: now, findings }
  const plain = { utf8: true, colour: false, quiet: false, verbose: false }

  it('has a mark, a sentence and below it the cure; control characters go', () => {
    expect(showCheck(text, plain).split('\n')).toEqual([
      'VO alice',
      '  ✓ there is room',
      '/CN=anna',
      '  ✓ its proxy ends in 2 d',
      '  ✗ px|1 is [31m down',
      '    See to it',
      '2 good, 0 to look at, 1 failed',
      '',
    ])
  })

  it('is nothing at all with --quiet when all is well', () => {
    const well = { ...text, findings: findings.slice(0, 2) }
    expect(showCheck(well, { ...plain, quiet: true })).toBe('')
  })

  it('is one line for Nagios, without a bar in the sentence, and its status', () => {
    expect(showNagios(text)).toEqual({
      text: 'VOBOX CRITICAL - alice: px/1 is [31m down | user_proxy=172800s;;;0 failed=1;;;0 doubtful=0;;;0\n',
      status: 2,
    })
    expect(showNagios({ ...text, findings: findings.slice(0, 2) }).status).toBe(0)
    expect(showNagiosUnknown(new VoboxError('VO_UNKNOWN', 'no VO'))).toEqual({
      text: 'VOBOX UNKNOWN - no VO\n',
      status: 3,
    })
  })
})
