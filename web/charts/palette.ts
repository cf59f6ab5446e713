// Colours for the canvas. A custom property does not resolve light-dark(), so they are read from probe elements.

const probes = new Map<string, HTMLElement>()

/** The colour that CSS gives to a class (`s1`, `ghost`, …) in the theme of now, as `rgb(…)`. */
export function colorOf(className: string): string {
  return getComputedStyle(probeOf(className)).color
}

/** The same, with an opacity. */
export function fadedOf(className: string, opacity: number): string {
  return colorOf(className).replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`)
}

function probeOf(className: string): HTMLElement {
  const known = probes.get(className)
  if (known) return known
  const probe = document.createElement('span')
  probe.className = `probe ${className}`
  probe.setAttribute('aria-hidden', 'true')
  document.body.append(probe)
  probes.set(className, probe)
  return probe
}
