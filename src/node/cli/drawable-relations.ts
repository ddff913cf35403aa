/** What oclif's synopsis needs to know of an option. */
interface Option {
  readonly name: string
  readonly exclusive?: readonly unknown[]
  readonly dependsOn?: readonly unknown[]
}

/**
 * The options with those relations alone that oclif's synopsis can draw: two that exclude each other and have
 * to do with no third one, `[--all | --dn DN]`. Of more it makes `[-n |  | ]`; the manual has them in words.
 */
export function drawableRelations<O extends Option>(options: Record<string, O>): Record<string, O> {
  const partners = new Map<string, Set<string>>()
  const relate = (one: string, other: string) =>
    partners.set(one, (partners.get(one) ?? new Set()).add(other))
  for (const { name, exclusive = [], dependsOn = [] } of Object.values(options)) {
    for (const other of [...exclusive, ...dependsOn].map(String)) {
      relate(name, other)
      relate(other, name)
    }
  }
  const isPair = (name: string, [other]: readonly unknown[]) =>
    partners.get(name)?.size === 1 && partners.get(String(other))?.size === 1
  return Object.fromEntries(
    Object.entries(options).map(([key, option]) => {
      const { exclusive = [] } = option
      const kept = isPair(option.name, exclusive) ? exclusive : undefined
      return [key, { ...option, exclusive: kept, dependsOn: undefined }]
    }),
  )
}
