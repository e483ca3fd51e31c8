#!/usr/bin/env pwsh
# The same verbs as ambient.sh, for those who live in PowerShell. Linux only, like the product.
param([Parameter(ValueFromRemainingArguments)] [string[]] $Arguments)
& "$PSScriptRoot/ambient.sh" @Arguments
exit $LASTEXITCODE
