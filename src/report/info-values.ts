/**
 * What scripts ask `info` for, as they have asked `voms-proxy-info` and `grid-proxy-info`: single
 * values, one a line, and whether a proxy is there that lives long enough.
 *
 * Values of attributes are printed where all attributes were verified. Those other tools print
 * whatever a file says, and a script that branches on a role takes it for granted.
 */
import { printable, VoboxError } from '../errors.js'
import { showDuration } from '../ports/time-text.js'
import type { ChainReport } from '../proxy/inspect.js'
import type { AttributeProblem, AttributeReport } from '../voms/attribute-report.js'
import { showKeyUsage, showProxyType } from './info-text.js'
import type { Inspected } from './info-types.js'

/** In the order in which `voms-proxy-info` prints them, however they were asked for. */
const PROXY_VALUES = {
  subject: ({ subject }: ChainReport) => printable(subject),
  issuer: (_: ChainReport, { report }: Inspected) =>
    printable(report.certificates[0]?.issuer ?? ''),
  identity: ({ identity }: ChainReport) => printable(identity),
  type: showProxyType,
  strength: (_: ChainReport, { report }: Inspected) => String(report.certificates[0]?.keyBits ?? 0),
  path: (_: ChainReport, { file }: Inspected) => printable(file),
  timeleft: ({ secondsLeft }: ChainReport) => String(secondsLeft),
  keyusage: (_: ChainReport, { report }: Inspected) =>
    showKeyUsage(report.certificates[0]?.keyUsage ?? null) ?? [],
} as const

const ATTRIBUTE_VALUES = {
  'vo-name': ({ vo }: AttributeReport) => vo ?? [],
  acsubject: ({ holder }: AttributeReport) => printable(holder ?? ''),
  acissuer: ({ issuer }: AttributeReport) => printable(issuer ?? ''),
  uri: ({ uri }: AttributeReport) => uri ?? [],
  actimeleft: ({ secondsLeft }: AttributeReport) => String(secondsLeft),
  fqan: ({ fqansAsWritten }: AttributeReport) => fqansAsWritten,
  serial: ({ serial }: AttributeReport) => serial ?? [],
} as const

export type InfoValue = keyof typeof PROXY_VALUES | keyof typeof ATTRIBUTE_VALUES

export const INFO_VALUES = [
  ...Object.keys(PROXY_VALUES),
  ...Object.keys(ATTRIBUTE_VALUES),
] as InfoValue[]

/**
 * The values that are wanted, each on a line.
 *
 * @param unverified print attributes though they were not verified.
 * @throws VoboxError why there is no such value: what is wrong with the file, `ATTRIBUTES_MISSING`,
 *   or why attributes are not verified.
 */
export function showInfoValues(
  inspected: Inspected,
  wanted: ReadonlySet<InfoValue>,
  { unverified = false }: { unverified?: boolean } = {},
): string {
  const { chain } = inspected.report
  if (chain === null) throw unusable(inspected)
  const ofProxy = pick(PROXY_VALUES, wanted).flatMap((name) => PROXY_VALUES[name](chain, inspected))
  const names = pick(ATTRIBUTE_VALUES, wanted)
  if (names.length > 0 && inspected.attributes.length === 0) throw noAttributes(inspected)
  const ofAttributes = inspected.attributes.flatMap((report) =>
    names.flatMap((name) => {
      if (!unverified) requireVerified(report, name)
      return ATTRIBUTE_VALUES[name](report)
    }),
  )
  return [...ofProxy, ...ofAttributes].map((value) => `${value}\n`).join('')
}

function pick<T extends object>(table: T, wanted: ReadonlySet<string>): (keyof T)[] {
  return (Object.keys(table) as (keyof T & string)[]).filter((name) => wanted.has(name))
}

/** That attributes have expired, and so 0 seconds are left, needs nobody's signature. */
function requireVerified({ problem }: AttributeReport, name: keyof typeof ATTRIBUTE_VALUES): void {
  if (problem === null) return
  if (name === 'actimeleft' && problem.code === 'VOMS_AC_EXPIRED') return
  throw notVerified(problem)
}

function notVerified({ code, message, hint }: AttributeProblem): VoboxError {
  const cure = hint === null ? '' : `${hint}\n`
  return new VoboxError(code, `the attributes are not verified: ${message}`, {
    hint: `${cure}--no-verify prints them all the same`,
  })
}

function noAttributes({ file }: Inspected): VoboxError {
  return new VoboxError('ATTRIBUTES_MISSING', `${printable(file)} carries no VOMS attributes`, {
    data: { path: file },
  })
}

function unusable({ file, report: { verdict } }: Inspected): VoboxError {
  if (verdict.valid) throw new TypeError('a valid proxy has a chain')
  const { code, message, hint } = verdict
  return new VoboxError(code, `${printable(file)}: ${message}`, {
    hint: hint ?? undefined,
    data: { path: file },
  })
}

export interface LifeWanted {
  /** Seconds that must be left of the chain; default 0. */
  seconds?: number | undefined
  /** Least size of the key, in bits; default 0. */
  bits?: number | undefined
}

/**
 * Demands a valid proxy with so much left: `--exists`. As with those other tools it is the chain
 * that counts; what attributes have left is `--actimeleft`.
 *
 * @throws VoboxError what is wrong with it, or `NO_VALID_PROXY` for one that is too short or weak.
 */
export function requireProxy(inspected: Inspected, { seconds = 0, bits = 0 }: LifeWanted): void {
  const { chain, verdict, certificates } = inspected.report
  if (chain === null || !verdict.valid) throw unusable(inspected)
  const path = inspected.file
  if (chain.secondsLeft < seconds) {
    const [left, asked] = [showDuration(chain.secondsLeft), showDuration(seconds)]
    throw new VoboxError('NO_VALID_PROXY', `the proxy lives for ${left}, not for ${asked}`, {
      data: { path, secondsLeft: chain.secondsLeft, seconds },
    })
  }
  const keyBits = certificates[0]?.keyBits ?? 0
  if (keyBits < bits) {
    throw new VoboxError('NO_VALID_PROXY', `its key has ${keyBits} bits, not ${bits}`, {
      data: { path, keyBits, bits },
    })
  }
}

/** Demands attributes of a VO: `--acexists`. @throws VoboxError as {@link showInfoValues} does. */
export function requireAttributesOf(
  inspected: Inspected,
  vo: string,
  { unverified = false }: { unverified?: boolean } = {},
): void {
  const report = inspected.attributes.find((one) => one.vo === vo)
  if (report === undefined) {
    const message = `${printable(inspected.file)} carries no attributes of VO ${printable(vo)}`
    throw new VoboxError('ATTRIBUTES_MISSING', message, { data: { path: inspected.file, vo } })
  }
  if (!unverified && report.problem !== null) throw notVerified(report.problem)
}
