/** What is stored under a name already, and what is lost where something else takes its place. */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { type AccessMode, accessModesOf, lostModes } from '../../myproxy/access-change.js'
import type { AccessPolicies } from '../../myproxy/request.js'
import type { StoredCredential } from '../../myproxy/response.js'
import { showAccess } from '../../report/myproxy-access-words.js'
import type { OwnerOptions } from './owner.js'

/** Said before it is replaced. */
export interface ReplacementWarning {
  code: 'replaces-other-mode'
  message: string
  hint: string
  data: Readonly<Record<string, unknown>>
}

export interface Replacement {
  /** What is there under that name, of this owner, as far as the server tells. */
  before: StoredCredential | undefined
  /** Whom it served, and the new one does not. */
  lost: readonly AccessMode[]
  warnings: readonly ReplacementWarning[]
}

/** What is about to be stored. */
export interface Replacing {
  policies: AccessPolicies
  hasPassPhrase: boolean
  /** Whether a credential may be replaced that serves others; absent: it may. */
  mayReplace?: ((warning: ReplacementWarning) => Promise<boolean>) | undefined
}

/** What would be replaced; undefined also where the server does not tell. */
export async function replacedBy(owner: OwnerOptions): Promise<StoredCredential | undefined> {
  return (await storedUnder(owner))?.find(({ name }) => name === owner.credentialName)
}

/** @throws VoboxError `CANCELLED` where somebody did not want to replace what is there. */
export async function judgeReplacement(
  { username, credentialName }: OwnerOptions,
  before: StoredCredential | undefined,
  { policies, hasPassPhrase, mayReplace }: Replacing,
): Promise<Replacement> {
  const lost = before === undefined ? [] : lostModes(before, policies, hasPassPhrase)
  if (before === undefined || lost.length === 0) return { before, lost, warnings: [] }
  const which = credentialName === undefined ? 'the credential' : `'${printable(credentialName)}'`
  const warning: ReplacementWarning = {
    code: 'replaces-other-mode',
    message:
      `${which} of ${printable(username)} is there for others: ${servedBy(before)}. ` +
      `The new one, in its place, is for: ${servedBy(policies)}`,
    hint: 'keep both: give one of them a name, --credname NAME',
    data: { lost, end: before.end },
  }
  if (mayReplace === undefined || (await mayReplace(warning))) {
    return { before, lost, warnings: [warning] }
  }
  throw new VoboxError('CANCELLED', 'nothing was stored, and what is there stays')
}

/**
 * All of this owner's at the server that the change goes to; undefined where it does not tell: what is to
 * be done will say why.
 */
export async function storedUnder({
  client,
  username,
  credential,
}: OwnerOptions): Promise<readonly StoredCredential[] | undefined> {
  try {
    return (await client.info({ username, credential, primaryOnly: true })).credentials
  } catch (error) {
    if (isVoboxError(error, 'MYPROXY_NO_CREDENTIAL')) return []
    if (isVoboxError(error) && error.code.startsWith('MYPROXY_')) return undefined
    throw error
  }
}

/** Nobody is named in what is fetched with its pass phrase alone, and in what a server renews for all. */
function servedBy(policies: AccessPolicies): string {
  const [first] = accessModesOf(policies)
  return first === 'defaults' ? "whomever the server's defaults name" : showAccess(policies)
}
