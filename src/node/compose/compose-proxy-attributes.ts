/** The VOMS attributes of a login proxy: asked for with what signs it, and verified before it is written. */
import { homedir, hostname } from 'node:os'
import type { Config } from '../../config/config.js'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { Journal } from '../../ports/journal.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import type { ProxyWarning } from '../../proxy/judge-signer.js'
import type { AttributeCertificate } from '../../voms/attribute-certificate.js'
import { type AttributeReport, reportAttributes } from '../../voms/attribute-report.js'
import { type AttributeRequest, parseAttributeRequest } from '../../voms/attribute-request.js'
import { parseFqan } from '../../voms/fqan.js'
import { orderRequests } from '../../voms/order-requests.js'
import { type DressWarning, requestExtension } from '../../voms/request-extension.js'
import { type JudgedAttributes, verifyAttributes } from '../../voms/verify-attributes.js'
import type { CertificateExtension } from '../../x509/certificate.js'
import type { TrustDirectory } from '../../x509/trust-directory.js'
import { systemClock } from '../ports/clock.js'
import { KeyPool } from '../ports/key-pool.js'
import { vomsContextOf, vomsDirectoryOf } from './compose-voms.js'
import { trustDirectoryOf } from './trust-directory.js'

export interface AttributeOptions {
  /** What is asked for, `VO` or `VO:FQAN`, in order; default: nothing. */
  voms?: readonly string[] | undefined
  /** FQANs that are to come first. */
  order?: readonly string[] | undefined
  /** Hosts that alone may use the attributes; default: any. */
  targets?: readonly string[] | undefined
  /** Lifetime of the attributes in seconds; default: that of the proxy. */
  attributeSeconds?: number | undefined
  /** Take attributes unverified. */
  unverified?: boolean | undefined
}

export interface AttributeCall {
  config: Config
  environment: Readonly<Record<string, string | undefined>>
  signer: Credential
  requests: readonly AttributeRequest[]
  lifetimeSeconds: number
  options: AttributeOptions
  /** Told what went wrong with one server while another was asked. */
  journal: Journal
  signal?: AbortSignal | undefined
}

export interface ProxyAttributes {
  extension: CertificateExtension
  reports: readonly AttributeReport[]
  warnings: readonly ProxyWarning[]
}

/** @throws VoboxError `FQAN_INVALID`. */
export function requestsOf({ voms = [], order = [] }: AttributeOptions): AttributeRequest[] {
  return orderRequests(voms.map(parseAttributeRequest), order.map(parseFqan))
}

/**
 * Asks for the attributes.
 *
 * @throws VoboxError what `requestExtension` says, and, unless they are taken unverified, what
 *   `verifyAttributes` does.
 */
export async function fetchAttributes(call: AttributeCall): Promise<ProxyAttributes> {
  const { config, environment, signer, requests, lifetimeSeconds, options, journal, signal } = call
  const trust = trustDirectoryOf(config)
  const context = vomsContextOf(config, {
    journal,
    keys: new KeyPool({ kind: config.keys.kind, size: 0 }),
    anchors: () => trust.current(),
    home: environment.HOME || homedir(),
  })
  const requested = await requestExtension(context, {
    credential: signer,
    requests,
    lifetimeSeconds,
    allowCarried: true,
    targets: options.targets,
    signal,
  })
  const judged = await judge(call, requested.certificates, trust)
  const problems = judged.flatMap((one) => ('problem' in one ? [notBelieved(one)] : []))
  const [problem] = problems
  if (problem !== undefined && !options.unverified) throw problem
  const identity = describeChain(signer.chain).identity.oneLine
  return {
    extension: requested.extension,
    reports: reportAttributes(judged, identity, systemClock.now()),
    warnings: [
      ...requested.warnings.map((warning) => warningOf(warning)),
      ...problems.map(({ code, message }) => ({
        code: 'not-verified' as const,
        message,
        data: { code },
      })),
    ],
  }
}

async function judge(
  { config, signer, options }: AttributeCall,
  acs: readonly AttributeCertificate[],
  directory: TrustDirectory,
): Promise<JudgedAttributes[]> {
  const { endEntity } = describeChain(signer.chain)
  const rules = {
    endEntity,
    trust: await vomsDirectoryOf(config).current(),
    anchors: await directory.current(),
    now: systemClock.now(),
    // Those for another host are asked for here, and believed there.
    host: options.targets?.[0] ?? hostname(),
  }
  return acs.map((ac): JudgedAttributes => {
    try {
      return { ac, verified: verifyAttributes(ac, rules) }
    } catch (error) {
      if (!isVoboxError(error)) throw error
      return { ac, problem: error }
    }
  })
}

function notBelieved({ ac, problem }: JudgedAttributes & { problem: VoboxError }): VoboxError {
  const { code, message, hint, data } = problem
  const cure = hint === undefined ? '' : `${hint}\n`
  const what = `the attributes of VO ${printable(ac?.vo ?? '')} cannot be verified: ${message}`
  return new VoboxError(code, what, {
    hint: `${cure}--no-verify takes them all the same`,
    data,
    cause: problem,
  })
}

function warningOf({ kind, message, vo }: DressWarning): ProxyWarning {
  const carries = kind === 'carries-attributes'
  return {
    code: kind,
    message,
    hint: carries ? 'make the proxy from the certificate, without --noregen' : undefined,
    data: { vo },
  }
}
