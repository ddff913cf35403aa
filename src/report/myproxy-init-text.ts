/** What `myproxy init` stored. The first line is that of the C tool. */
import { printable } from '../errors.js'
import type { AccessMode, AccessTrouble } from '../myproxy/access-change.js'
import type { AccessWarning } from '../myproxy/access-policy.js'
import type { AccessPolicies } from '../myproxy/request.js'
import type { StoredCredential } from '../myproxy/response.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration, showInstant } from '../ports/time-text.js'
import type { ProxyWarningCode } from '../proxy/judge-signer.js'
import type { AttributeReport } from '../voms/attribute-report.js'
import { accessOf, showAccess } from './myproxy-access-words.js'
import { storedFields } from './myproxy-info-text.js'
import type { StoredPlace } from './myproxy-owner-text.js'
import { attributeLines } from './proxy-init-text.js'
import { encodeDocument } from './query-json.js'

/** What a program can tell warnings of `myproxy init` by, beside those of `proxy-init`. */
export type InitWarningCode =
  | AccessWarning['code']
  | AccessTrouble
  | 'replaces-other-mode'
  | 'certificate-cuts'
  | 'carries-voms'
  | 'limited'
  | 'key-not-rsa'

export interface InitWarning {
  code: InitWarningCode | ProxyWarningCode
  message: string
  hint?: string | undefined
  data?: Readonly<Record<string, unknown>> | undefined
}

/** What was looked at after storing for a VO-Box. */
export type VoboxCheckName = 'owner' | 'end' | 'renewers' | 'renewal'

/** `unknown`: it cannot be told from here. */
export type VoboxVerdict = 'ok' | 'failed' | 'unknown'

export interface VoboxCheck {
  check: VoboxCheckName
  verdict: VoboxVerdict
  message: string
  hint?: string | undefined
}

export interface MyProxyInitResult extends StoredPlace {
  /** Identity DN of the owner. */
  identity: string
  end: UnixSeconds
  /** How long it lives from when it was stored. */
  storedSeconds: number
  /** Longest proxy to be had from it. */
  lifetimeSeconds: number
  policies: AccessPolicies
  passPhrase: 'none' | 'given' | 'generated'
  /** What was there under that name, of the same owner. */
  replaced: StoredCredential | null
  /** What others could do with that, and cannot do any more. */
  lost: readonly AccessMode[]
  attributes: readonly AttributeReport[]
  localProxy: { file: string; end: UnixSeconds } | null
  warnings: readonly InitWarning[]
  /** Empty where no VO-Box was meant. */
  vobox: readonly VoboxCheck[]
  now: UnixSeconds
}

/** @param terse the line of `myproxy-init` alone. */
export function showMyProxyInit(result: MyProxyInitResult, terse = false): string {
  const { username, server, end, lifetimeSeconds, policies, now, localProxy } = result
  const hours = Math.floor(result.storedSeconds / 3600)
  const days = (result.storedSeconds / 86_400).toFixed(1)
  const host = server.replace(/:\d+$/, '')
  const said =
    `A proxy valid for ${hours} hours (${days} days) for user ${printable(username)} ` +
    `now exists on ${host}.`
  if (terse) return `${said}\n`
  const lines = [
    ...result.attributes.flatMap(attributeLines),
    said,
    `  until    ${showInstant(end)} (${showDistance(end, now)})`,
    `  gives    proxies of up to ${showDuration(lifetimeSeconds)}`,
    `  allows   ${showAccess(policies)}`,
    ...(localProxy === null
      ? []
      : [
          `Created proxy in ${printable(localProxy.file)}`,
          `Your proxy is valid until ${showInstant(localProxy.end)} (${showDistance(localProxy.end, now)})`,
        ]),
    ...voboxLines(result.vobox),
  ]
  return `${lines.join('\n')}\n`
}

const VERDICTS: Readonly<Record<VoboxVerdict, string>> = {
  ok: 'ok     ',
  failed: 'FAILED ',
  unknown: 'unknown',
}

function voboxLines(checks: readonly VoboxCheck[]): string[] {
  if (checks.length === 0) return []
  const lines = checks.flatMap(({ check, verdict, message, hint }) => [
    `  ${VERDICTS[verdict]}  ${check.padEnd(8)}  ${printable(message)}`,
    ...(hint === undefined || verdict === 'ok' ? [] : [`           ${printable(hint)}`]),
  ])
  const unseen = checks.some(({ verdict }) => verdict === 'unknown') && !checks.some(isFailed)
  const last =
    'Nobody has seen yet that it can be renewed: `vobox-proxy register` on the VO-Box tells.'
  return ['Whether the VO-Box can renew it:', ...lines, ...(unseen ? [last] : [])]
}

function isFailed({ verdict }: VoboxCheck): boolean {
  return verdict === 'failed'
}

/** Whether something that was looked at for a VO-Box is wrong, so that a script must not go on. */
export function initHasFailed({ vobox }: MyProxyInitResult): boolean {
  return vobox.some(isFailed)
}

export function encodeMyProxyInit(result: MyProxyInitResult): string {
  const { now, replaced, policies, vobox, ...facts } = result
  return encodeDocument({
    ...facts,
    access: accessOf(policies),
    replaced: replaced && storedFields(replaced, now),
    vobox: vobox.map(({ hint = null, ...check }) => ({ ...check, hint })),
  })
}
