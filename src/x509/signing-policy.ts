/**
 * Signing policies: which names a CA may certify, in Globus' EACL language.
 *
 * ```
 * access_id_CA   X509    '/C=CH/O=Example/CN=Example CA'
 * pos_rights     globus  CA:sign
 * cond_subjects  globus  '"/C=CH/O=Example/*" "/DC=ch/DC=example/*"'
 * ```
 * Names are compared as texts in OpenSSL's one-line form, because that is all such a file holds. The
 * matching follows Globus' own `oldgaa` library, down to its narrow idea of a wildcard; a file that
 * cannot be read to the end grants nothing.
 */
import { VoboxError } from '../errors.js'
import type { Name } from './name.js'

/** What one entry of a policy says about one or several CAs. */
export interface SigningPolicyEntry {
  /** Names of the CAs, as written. */
  authorities: readonly string[]
  /** Patterns of subjects that may be signed. */
  subjects: readonly string[]
  /** Patterns of subjects that may not, whatever else matches. */
  bannedSubjects: readonly string[]
}

export type SigningPolicy = readonly SigningPolicyEntry[]

interface OpenEntry {
  authorities: string[]
  subjects: string[]
  bannedSubjects: string[]
  /** What the conditions that follow belong to; undefined before the first rights line. */
  rights: 'sign' | 'deny' | 'other' | undefined
}

const STATEMENT = /^(\S+)\s+(\S+)\s+(\S.*)$/

/** Throws `SIGNING_POLICY_MALFORMED` with the line. */
export function parseSigningPolicy(text: string): SigningPolicy {
  const entries: OpenEntry[] = []
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return
    const [, keyword = '', authority = '', value = ''] = STATEMENT.exec(line) ?? []
    const known = readStatement(entries, keyword, authority, value)
    if (!known) {
      throw new VoboxError(
        'SIGNING_POLICY_MALFORMED',
        `signing policy cannot be read in line ${index + 1}`,
        { data: { line: index + 1 } },
      )
    }
  })
  return entries.map(({ authorities, subjects, bannedSubjects }) => ({
    authorities,
    subjects,
    bannedSubjects,
  }))
}

/** Adds one statement to the entries; false when it is not understood. */
function readStatement(
  entries: OpenEntry[],
  keyword: string,
  authority: string,
  value: string,
): boolean {
  const values = readValues(value)
  if (values === undefined) return false
  if (keyword.startsWith('access_id_')) {
    let entry = entries.at(-1)
    if (entry === undefined || entry.rights !== undefined) {
      entry = { authorities: [], subjects: [], bannedSubjects: [], rights: undefined }
      entries.push(entry)
    }
    if (keyword === 'access_id_CA' && authority === 'X509') entry.authorities.push(...values)
    return true
  }
  const entry = entries.at(-1)
  if (entry === undefined) return false
  if (keyword === 'pos_rights' || keyword === 'neg_rights') {
    const signing = authority === 'globus' && values.includes('CA:sign')
    if (!signing) entry.rights = 'other'
    else entry.rights = keyword === 'pos_rights' ? 'sign' : 'deny'
    return true
  }
  return keyword.startsWith('cond_') && readCondition(entry, keyword, authority, values)
}

/** A condition that we do not know on the right to sign could narrow it: not understood. */
function readCondition(
  entry: OpenEntry,
  keyword: string,
  authority: string,
  values: readonly string[],
): boolean {
  if (entry.rights === undefined) return false
  if (entry.rights === 'other') return true
  if (authority !== 'globus') return false
  if (keyword === 'cond_banned_subjects') entry.bannedSubjects.push(...values)
  else if (keyword !== 'cond_subjects') return false
  else if (entry.rights === 'sign') entry.subjects.push(...values)
  else entry.bannedSubjects.push(...values)
  return true
}

const SINGLE_QUOTED = /^'([^']*)'\s*(?:#.*)?$/
const QUOTED_LIST = /^((?:"[^"]*"\s*)+)(?:#.*)?$/
const WORD = /^([^\s'"]+)\s*(?:#.*)?$/

/** `'"a" "b"'`, `"a" "b"`, `'a'` or a bare word, then perhaps a comment; undefined for anything else. */
function readValues(value: string): string[] | undefined {
  const single = SINGLE_QUOTED.exec(value)?.[1]
  const list = QUOTED_LIST.exec(single?.trim() ?? value)?.[1]
  if (list !== undefined) return Array.from(list.matchAll(/"([^"]*)"/g), ([, one = '']) => one)
  const one = single ?? WORD.exec(value)?.[1]
  return one === undefined || one.includes('"') ? undefined : [one]
}

/** What a policy says about one certificate. Either one-line form of the names will do. */
export function allowsSubject(policy: SigningPolicy, issuer: Name, subject: Name): boolean {
  const authority = normalisedForms(issuer)
  const names = normalisedForms(subject)
  const entries = normalisedPolicy(policy).filter(({ authorities }) =>
    authorities.some((written) => authority.includes(written)),
  )
  const matches = (patterns: readonly string[]) =>
    patterns.some((pattern) => names.some((name) => matchesPattern(name, pattern)))
  if (entries.some(({ bannedSubjects }) => matches(bannedSubjects))) return false
  return entries.some(({ subjects }) => matches(subjects))
}

/** Neither names nor policies change, and the same few are asked about with every renewal. */
const knownForms = new WeakMap<Name, readonly string[]>()
const knownPolicies = new WeakMap<SigningPolicy, SigningPolicy>()

/** CAs wrote their policies in the classic form; Globus on OpenSSL 3 sees the other one. */
function normalisedForms(name: Name): readonly string[] {
  const known = knownForms.get(name)
  if (known !== undefined) return known
  const forms = [normalise(name.oneLine), normalise(name.classicOneLine)]
  knownForms.set(name, forms)
  return forms
}

function normalisedPolicy(policy: SigningPolicy): SigningPolicy {
  const known = knownPolicies.get(policy)
  if (known !== undefined) return known
  const normalised = policy.map((entry) => ({
    ...entry,
    authorities: entry.authorities.map(normalise),
    subjects: entry.subjects.map(normalise),
    bannedSubjects: entry.bannedSubjects.map(normalise),
  }))
  knownPolicies.set(policy, normalised)
  return normalised
}

/**
 * The last `*` of a pattern stands for one or more characters, any other character for itself, an
 * earlier `*` included. That is what Globus does, so a pattern is no wider here than there.
 */
function matchesPattern(name: string, pattern: string): boolean {
  const star = pattern.lastIndexOf('*')
  if (star === -1) return name === pattern
  const before = pattern.slice(0, star)
  const after = pattern.slice(star + 1)
  return (
    name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after)
  )
}

/** Globus compares names without regard to case and takes old spellings for new ones. */
function normalise(name: string): string {
  return name
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
    .replace(/\/(?:e|email)=/g, '/emailaddress=')
    .replace(/\/userid=/g, '/uid=')
}
