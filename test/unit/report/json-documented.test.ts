import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../commands/index.js'
import { commandFacts } from '../../../scripts/manual/command-facts.js'
import type { AgentAction, AgentResult } from '../../../src/agents/agent-result.js'
import type { ConfigOrigin } from '../../../src/config/read-config.js'
import type { Persistence } from '../../../src/errors.js'
import type { AccessMode } from '../../../src/myproxy/access-change.js'
import type { LogonWarning } from '../../../src/node/myproxy/logon-judge.js'
import type { CertificateReport, CredentialReport } from '../../../src/proxy/inspect.js'
import type { IssuedPolicy } from '../../../src/proxy/issue-proxy.js'
import type { ProxyWarningCode } from '../../../src/proxy/judge-signer.js'
import type { ProxyKind, ProxyPolicy } from '../../../src/proxy/proxy-cert-info.js'
import type { GrantLimit } from '../../../src/registry/registration.js'
import type { CheckName, CheckVerdict } from '../../../src/renewal/checking/finding.js'
import type { EndingKind } from '../../../src/renewal/checking/forecast.js'
import type { RenewalDecision } from '../../../src/renewal/decide-renewal.js'
import type { RenewalOutcome } from '../../../src/renewal/outcome.js'
import type {
  RegisterResult,
  RegisterWarningCode,
} from '../../../src/renewal/registering/register-request.js'
import { JSON_VERSION } from '../../../src/report/failure.js'
import type { AccessRight } from '../../../src/report/myproxy-access-words.js'
import type {
  InitWarningCode,
  VoboxCheckName,
  VoboxVerdict,
} from '../../../src/report/myproxy-init-text.js'
import type { StoreWarning } from '../../../src/report/myproxy-store-text.js'
import type { Replicated } from '../../../src/report/replication-text.js'
import { DOCUMENTS } from '../../support/json-samples.js'

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/json.md'), 'utf8')

const SECTIONS = new Map(
  TEXT.split(/^## /m).map((part) => [part.slice(0, part.indexOf('\n')), part] as const),
)
const section = (title: string) => SECTIONS.get(title) ?? ''

/** What these describe "as in" other sections: registrations and short grants, attributes. */
const AS_IN: Readonly<Record<string, string | readonly string[]>> = {
  register: 'query',
  renew: 'query',
  query: 'info',
  'proxy-init': 'info',
  'myproxy destroy': 'myproxy info',
  'myproxy init': ['myproxy info', 'info'],
  'myproxy store': 'myproxy info',
  'myproxy logon': ['myproxy get-trustroots', 'info'],
  'myproxy retrieve': 'myproxy get-trustroots',
}

/** Every name at any depth. */
function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)])
}

const emitted = (title: string) =>
  new Set((DOCUMENTS[title] ?? []).flatMap((text) => namesIn(JSON.parse(text))))

/** Names that a section describes: in shapes, `{ a, b: { c } }`, and in first columns of tables. */
function described(title: string): Set<string> {
  const text = section(title)
  const shapes = [...text.matchAll(/`\[?(\{[^`]*\})\]?`|^```\w*\n([^`]*)^```/gm)]
  const inShapes = shapes.flatMap(([, inline = '', block = '']) =>
    [...`${inline}${block}`.matchAll(/[{,]\s*"?([A-Za-z]\w*)/g)].map(([, name = '']) => name),
  )
  const tables = [...text.matchAll(/^\| field \|.*\n\|.*\n((?:\|.*\n?)+)/gm)]
  const rows = tables.flatMap(([, body = '']) => body.split('\n'))
  const inRows = rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(?:\w+\[\]\.)?(\w+)`/g)].map(([, name = '']) => name),
  )
  return new Set([...inShapes, ...inRows])
}

describe('docs/json.md', () => {
  it('has a section for every command that prints JSON, and for no other', () => {
    const commands = commandFacts(COMMANDS, 'vobox-proxy').filter(({ flags }) =>
      flags.some(({ name }) => name === 'json'),
    )
    const titles = [...SECTIONS.keys()].filter((title) => title in DOCUMENTS)
    expect(titles.sort()).toEqual(['Failures', ...commands.map(({ name }) => name)].sort())
  })

  it(`names the version, ${JSON_VERSION}, which every document has first`, () => {
    expect(TEXT).toContain(`a \`version\`, at present ${JSON_VERSION}.`)
    for (const text of Object.values(DOCUMENTS).flat()) {
      expect(Object.entries(JSON.parse(text))[0]).toEqual(['version', JSON_VERSION])
    }
  })

  it.each(Object.keys(DOCUMENTS))('describes every field of %s', (title) => {
    const known = new Set(
      [title, AS_IN[title] ?? title].flat().flatMap((one) => [...described(one)]),
    )
    expect([...emitted(title)].filter((name) => !known.has(name))).toEqual([])
  })

  it.each(Object.keys(DOCUMENTS))('describes nothing that %s does not have', (title) => {
    const names = emitted(title)
    expect([...described(title)].filter((name) => !names.has(name))).toEqual([])
  })
})

/** All members of a union: one that is added does not compile until it is here. */
const all = <T extends string>(members: Record<T, true>) => Object.keys(members)

type Reason<Action> = Extract<RenewalDecision, { action: Action }>['reason']

describe('docs/json.md names each value of', () => {
  it.each([
    [
      'query',
      'nextRenewal.action',
      all<RenewalDecision['action']>({ wait: true, renew: true, 'give-up': true }),
    ],
    [
      'query',
      'nextRenewal.reason of wait',
      all<Reason<'wait'>>({ fresh: true, 'backing-off': true, capped: true, 'min-interval': true }),
    ],
    [
      'query',
      'nextRenewal.reason of renew',
      all<Reason<'renew'>>({ due: true, stale: true, emergency: true, attributes: true }),
    ],
    [
      'query',
      'nextRenewal.reason of give-up',
      all<Reason<'give-up'> | 'unusable'>({ expired: true, unusable: true }),
    ],
    [
      'query',
      'shortGrant.limit',
      all<GrantLimit>({
        'stored-lifetime': true,
        'stored-credential-ends': true,
        'secondary-behind': true,
        'server-cap': true,
        attributes: true,
        unknown: true,
      }),
    ],
    [
      'register',
      'outcome',
      all<RegisterResult['outcome']>({ registered: true, updated: true, replaced: true }),
    ],
    [
      'register',
      'proxy',
      all<RegisterResult['proxy']>({ 'login-proxy': true, renewed: true, kept: true }),
    ],
    [
      'register',
      'warnings[].code',
      all<RegisterWarningCode>({
        'proxy-life-short': true,
        'delegation-deep': true,
        'attributes-unverified': true,
        'attributes-later': true,
        'attributes-partial': true,
        'registered-otherwise': true,
        'limited-proxy': true,
        'weak-certificate': true,
        'not-checked': true,
        'stored-proxy-kept': true,
        'short-grant': true,
        'stored-credential-ends-soon': true,
        'mail-not-sent': true,
      }),
    ],
    [
      'proxy-init',
      'warnings[].code',
      all<ProxyWarningCode>({
        'certificate-ends-soon': true,
        'not-for-clients': true,
        'delegation-deep': true,
        'weak-certificate': true,
        'proxy-shortened': true,
        'voms-server-failed': true,
        'server-says': true,
        'shorter-than-asked': true,
        'carries-attributes': true,
        'not-granted': true,
        'not-verified': true,
      }),
    ],
    [
      'myproxy info',
      'right',
      all<AccessRight>({
        renewal: true,
        'trusted-retrieval': true,
        retrieval: true,
        'key-retrieval': true,
      }),
    ],
    [
      'myproxy store',
      'warnings[].code',
      all<StoreWarning['code']>({
        'key-not-encrypted': true,
        'pass-phrase-in-the-way': true,
        'pair-not-checked': true,
        'replaces-other-mode': true,
        'stored-by-another': true,
        'key-not-rsa': true,
        'certificate-ends-soon': true,
        'not-for-clients': true,
        'weak-certificate': true,
        'pattern-looks-like-dn': true,
        'pattern-empty': true,
      }),
    ],
    [
      'myproxy init',
      'warnings[].code',
      all<InitWarningCode>({
        'replaces-other-mode': true,
        'renewal-with-pass-phrase': true,
        'retrieval-without-pass-phrase': true,
        'certificate-cuts': true,
        'carries-voms': true,
        limited: true,
        'key-not-rsa': true,
        'pattern-looks-like-dn': true,
        'pattern-empty': true,
      }),
    ],
    [
      'myproxy-server replicate',
      'withheld[].reason',
      all<Replicated['withheld'][number]['reason']>({
        locked: true,
        expired: true,
        'guarded-by-hash': true,
      }),
    ],
    [
      'myproxy init',
      'lost[]',
      all<AccessMode>({
        renewal: true,
        retrieval: true,
        'retrieval-without-pass-phrase': true,
        defaults: true,
      }),
    ],
    [
      'myproxy init',
      'vobox[].check',
      all<VoboxCheckName>({ owner: true, end: true, renewers: true, renewal: true }),
    ],
    [
      'myproxy init',
      'vobox[].verdict',
      all<VoboxVerdict>({ ok: true, failed: true, unknown: true }),
    ],
    [
      'myproxy logon',
      'warnings[].code',
      all<Exclude<LogonWarning['code'], ProxyWarningCode>>({
        'short-grant': true,
        'limited-proxy': true,
        'stored-with-attributes': true,
      }),
    ],
    [
      'proxy-init',
      'policy',
      all<IssuedPolicy>({ 'inherit-all': true, limited: true, independent: true }),
    ],
    [
      'agents',
      'outcome',
      all<AgentResult['outcome']>({
        started: true,
        ended: true,
        failed: true,
        killed: true,
        skipped: true,
      }),
    ],
    ['agents', 'action', all<AgentAction>({ start: true, stop: true })],
    [
      'renew',
      'kind',
      all<RenewalOutcome['kind']>({
        renewed: true,
        capped: true,
        'not-due': true,
        failed: true,
        busy: true,
        'not-registered': true,
        cancelled: true,
      }),
    ],
    [
      'info',
      'role',
      all<CertificateReport['role']>({
        proxy: true,
        'end-entity': true,
        authority: true,
        unknown: true,
      }),
    ],
    ['info', 'kind', all<ProxyKind>({ rfc3820: true, draft: true, legacy: true })],
    [
      'info',
      'policy',
      all<ProxyPolicy>({ 'inherit-all': true, limited: true, independent: true, restricted: true }),
    ],
    ['info', 'keyType', all<CertificateReport['keyType']>({ rsa: true, ec: true, other: true })],
    [
      'info',
      'weaknesses[].kind',
      all<CredentialReport['weaknesses'][number]['kind']>({
        'weak-signature': true,
        'small-key': true,
      }),
    ],
    [
      'config',
      'origin.kind',
      all<ConfigOrigin['kind']>({ default: true, file: true, environment: true, flag: true }),
    ],
    [
      'check',
      'findings[].verdict',
      all<CheckVerdict>({ good: true, doubtful: true, bad: true, skipped: true }),
    ],
    [
      'check',
      'findings[].check',
      all<CheckName>({
        clock: true,
        trust: true,
        crl: true,
        'host-certificate': true,
        'machine-proxy': true,
        repository: true,
        disk: true,
        registry: true,
        service: true,
        mail: true,
        'user-proxy': true,
        jobs: true,
        'pass-phrase': true,
        server: true,
        'stored-credential': true,
        renewer: true,
        lifetime: true,
        alike: true,
        chain: true,
        voms: true,
        rehearsal: true,
      }),
    ],
    [
      'forecast',
      'endings[].kind',
      all<EndingKind>({
        'user-certificate': true,
        'stored-credential': true,
        'user-proxy': true,
        'job-proxy': true,
        attributes: true,
        'machine-proxy': true,
        'host-certificate': true,
        'voms-certificate': true,
        'ca-certificate': true,
        crl: true,
      }),
    ],
    ['Failures', 'persistence', all<Persistence>({ transient: true, permanent: true })],
  ])('%s: %s', (title, _field, values) => {
    const missing = values.filter((value) => !section(title).includes(`\`${value}\``))
    expect(missing).toEqual([])
  })
})
