/** What all `myproxy` commands take, under the names and letters of the C tools. */
import { Flags } from '@oclif/core'

export const connectionFlags = {
  pshost: Flags.string({
    char: 's',
    description:
      'MyProxy servers, in the order in which they are tried [default: $MYPROXY_SERVER, or as ' +
      'configured]',
    helpValue: 'HOST[:PORT],…',
  }),
  psport: Flags.string({
    char: 'p',
    description: 'port where a server names none [default: $MYPROXY_SERVER_PORT, or 7512]',
    helpValue: 'PORT',
  }),
  verbose: Flags.boolean({
    char: 'v',
    description: 'say of each server and address what became of it',
  }),
}

export const usernameFlags = {
  username: Flags.string({
    char: 'l',
    description: 'name that the credential is stored under [default: $LOGNAME, or your account]',
    helpValue: 'NAME',
  }),
  'dn-as-username': Flags.boolean({
    char: 'd',
    description: 'your identity DN is that name',
  }),
  credname: Flags.string({
    char: 'k',
    description: 'name of the credential, where several are stored [default: the one without]',
    helpValue: 'NAME',
  }),
}

export const passPhraseFlags = {
  'stdin-pass': Flags.boolean({
    char: 'S',
    description: 'read pass phrases from standard input, each on a line, without asking',
  }),
  'pass-phrase-file': Flags.string({
    description: 'read the pass phrase from this file of yours, mode 0600',
    helpValue: 'FILE',
    exclusive: ['stdin-pass'],
  }),
  'pass-phrase-fd': Flags.string({
    description: 'read the pass phrase from this open file descriptor',
    helpValue: 'N',
    exclusive: ['stdin-pass', 'pass-phrase-file'],
  }),
}

export const noPassPhraseFlag = {
  'no-passphrase': Flags.boolean({
    char: 'n',
    description: 'ask for no pass phrase; another way of authorisation is meant',
    exclusive: ['pass-phrase-file', 'pass-phrase-fd'],
  }),
}

/** Of `init` and `store`. */
export const replaceFlag = {
  replace: Flags.boolean({
    description: 'replace without asking what serves others, such as renewal, today',
  }),
}

/** What the tools in `compat/` ask for. */
export const terseFlag = {
  terse: Flags.boolean({
    description: 'print what the C tool prints, and nothing else',
    exclusive: ['json'],
  }),
}
