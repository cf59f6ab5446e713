// Sets the theme before the first paint; a file of its own, because the policy allows no inline script.
try {
  const theme = localStorage.getItem('weir.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage may be forbidden; the system's theme is right then.
}
