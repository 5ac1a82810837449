# Values of R 4.2.2, metafor 3.8-1: Rscript make.R writes centres.json.
suppressMessages({library(metafor); library(jsonlite)})
set.seed(7)
sets <- list(
  slopes = list(scale = "identity", y = round(rnorm(12, .9, .25), 3), se = round(runif(12, .08, .3), 3)),
  homogeneous = list(scale = "identity", y = c(.98, 1.02, 1.01, .97), se = c(.1, .2, .15, .12)),
  two = list(scale = "identity", y = c(.6, 1.1), se = c(.1, .15)),
  auc = list(scale = "logit", y = round(plogis(rnorm(8, 1, .4)), 3), se = round(runif(8, .015, .05), 3)),
  oe = list(scale = "log", y = round(exp(rnorm(9, 0, .3)), 3), se = round(runif(9, .05, .25), 3)))
out <- lapply(sets, function(s) {
  y <- s$y; se <- s$se
  if (s$scale == "logit") { se <- se / (y * (1 - y)); y <- qlogis(y) }
  if (s$scale == "log") { se <- se / y; y <- log(y) }
  control <- list(threshold = 1e-13, maxiter = 5000)
  h <- rma(y, sei = se, method = "REML", test = "knha", control = control); z <- rma(y, sei = se, method = "REML", control = control)
  p <- predict(h)
  c(s, list(tau2 = h$tau2, i2 = h$I2 / 100, q = h$QE, q_pvalue = h$QEp, pooled = as.numeric(h$b), se_wald = z$se, se_hk = h$se,
    hk = c(h$ci.lb, h$ci.ub), wald = c(z$ci.lb, z$ci.ub), prediction = c(p$pi.lb, p$pi.ub)))
})
write_json(out, "centres.json", digits = NA, auto_unbox = TRUE)
