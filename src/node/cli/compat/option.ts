/** The few kinds of option that the tables of other tools are made of. */
import { printable } from '../../../errors.js'
import { type CompatOption, usage } from './translate.js'

/** The first name, with the dashes that our options have. */
const ours = ([first = '']: readonly string[]) => first.replaceAll('_', '-')

/** Ours without a value; `as` where the name is another. */
export function flag(names: string, help: string, as?: string): CompatOption {
  const list = names.split(' ')
  return { names: list, help, words: () => [`--${as ?? ours(list)}`] }
}

/** Ours with a value. */
export function valued(names: string, value: string, help: string, as?: string): CompatOption {
  const list = names.split(' ')
  return { names: list, value, help, words: (given) => [`--${as ?? ours(list)}=${given}`] }
}

/** Accepted, for it asks for what is so in any case. */
export function idle(names: string, help: string, value?: string): CompatOption {
  return { names: names.split(' '), value, help: `${help}; has no effect`, words: () => [] }
}

/** Known, and not to be had here. */
export function refused(tool: string, names: string, why: string, value?: string): CompatOption {
  const list = names.split(' ')
  return {
    names: list,
    value,
    help: `not here: ${why}`,
    words: (given) => {
      const shown = value === undefined ? '' : ` ${printable(given, 60)}`
      throw usage({ name: tool }, `-${list[0]}${shown}: ${why}`, { option: list[0] })
    },
  }
}
