/** The name that a credential is stored under, as the C tools choose it. */
import { userInfo } from 'node:os'
import { VoboxError } from '../../errors.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'

export interface UsernameChoice {
  /** `-l`; it wins over everything. */
  username?: string | undefined
  /** `-d`: the identity DN of `credential` in one-line form. */
  dnAsUsername?: boolean | undefined
  /** Whose DN `-d` means. */
  credential?: Credential | undefined
  /** `LOGNAME`; where it is unset, the account's name. */
  environment: Readonly<Record<string, string | undefined>>
}

/** @throws VoboxError `USAGE` for an empty name, and where there is none to choose. */
export function usernameOf(choice: UsernameChoice): string {
  const { username, dnAsUsername, credential, environment } = choice
  if (username === '') throw new VoboxError('USAGE', '--username is empty')
  if (username !== undefined) return username
  if (dnAsUsername === true) {
    if (credential === undefined) {
      throw new VoboxError('USAGE', '--dn-as-username needs a credential whose DN that could be', {
        hint: 'name it in $X509_USER_PROXY, or say --username',
      })
    }
    return describeChain(credential.chain).identity.oneLine
  }
  return environment.LOGNAME || accountName()
}

function accountName(): string {
  try {
    return userInfo().username
  } catch (cause) {
    // A uid without an account.
    throw new VoboxError('USAGE', 'whose credential is meant?', {
      hint: 'say it with --username, or with --dn-as-username',
      cause,
    })
  }
}
